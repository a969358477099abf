//! An insert uses the slots that others have given back, wherever they are. Alone in its process,
//! in which one thread must own the one shard that can be owned, and whose allocator refuses, or
//! inserts.
#![cfg(not(loom))]
#![allow(unsafe_code)] // an allocator

#[path = "../common/serial.rs"]
mod serial;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    sync::Barrier,
    thread,
};

use handle_table::{Handle, HandleTable, Stats};

use serial::serial;

/// Refuses zeroed memory of more than 2 KiB, as segments are, to threads that have set `REFUSES`.
/// Calls once what a thread has set in `IN_ALLOC` or `IN_DEALLOC`.
struct Refusing;

thread_local! {
    static REFUSES: Cell<bool> = const { Cell::new(false) };
    static IN_ALLOC: Cell<Option<fn()>> = const { Cell::new(None) };
    static IN_DEALLOC: Cell<Option<fn()>> = const { Cell::new(None) };
}

// SAFETY: the system's allocator, or null.
unsafe impl GlobalAlloc for Refusing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if let Some(call) = IN_ALLOC.take() {
            call();
        }
        // SAFETY: the caller's duty.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // A message with a backtrace needs memory.
        if layout.size() > 2_048 && REFUSES.get() && !thread::panicking() {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller's duty.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        if let Some(call) = IN_DEALLOC.take() {
            call();
        }
        // SAFETY: the caller's duty.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Refusing = Refusing;

/// On the one thread that has used tables and has not ended.
fn alone(test: fn()) {
    let _serial = serial();
    thread::spawn(test).join().unwrap();
}

/// More than what an owner takes at a time of the slots that others have returned.
const RETURNED: usize = 20_000;
/// With so many in use an owner looks for returned slots before it uses new ones.
const KEPT: usize = 5_000;
/// Threads without a shard that insert at the same time.
const THREADS: usize = 4;

/// The owner takes some of the second thread's slots from shard 0, and leaves the rest. The insert
/// of one more once gave up a generation of all the rest.
#[test]
fn an_insert_uses_up_one_handle_however_many_slots_are_left_to_it() {
    alone(insert_uses_up_one_handle);
}

fn insert_uses_up_one_handle() {
    let table = HandleTable::builder().shards(2).build();
    let insert = |_| table.insert(String::new());
    let mut kept: Vec<_> = (0..KEPT).map(insert).collect();
    thread::scope(|scope| {
        scope.spawn(|| {
            let handles: Vec<_> = (0..RETURNED).map(insert).collect();
            handles.into_iter().for_each(|handle| table.remove(handle).unwrap());
        });
    });
    let used = |since: Stats| {
        let now = table.stats();
        (now.issued - since.issued, since.remaining - now.remaining)
    };
    let before = table.stats();
    kept.extend((0..KEPT).map(insert));
    assert_eq!(used(before), (KEPT as u64, KEPT as u64));
    let before = table.stats();
    thread::scope(|scope| {
        scope.spawn(|| {
            let _kept = insert(0);
        });
    });
    assert_eq!(used(before), (1, 1));
    assert_eq!(table.len(), kept.len() + 1);
}

/// While one thread had the spare batches in its hands, to take one slot, another found none.
#[test]
fn inserts_at_the_same_time_all_find_one_of_many_vacant_slots() {
    alone(inserts_find_vacant_slots);
}

fn inserts_find_vacant_slots() {
    let table = HandleTable::builder().shards(2).build();
    let insert = |_| table.insert(String::new());
    let mut kept: Vec<_> = (0..KEPT).map(insert).collect();
    let others = thread::scope(|scope| {
        let inserts = || (0..RETURNED).map(insert).collect::<Vec<_>>();
        scope.spawn(inserts).join().unwrap()
    });
    REFUSES.set(true);
    while let Ok(handle) = table.try_insert(String::new()) {
        kept.push(handle);
    }
    for handle in others {
        table.remove(handle).unwrap();
    }
    // Takes some of these, and leaves the rest in a batch.
    kept.push(insert(0));

    let start = Barrier::new(THREADS);
    let inserts = || {
        REFUSES.set(true);
        start.wait();
        (0..RETURNED / 2 / THREADS).filter(|_| table.try_insert(String::new()).is_err()).count()
    };
    let refused: usize = thread::scope(|scope| {
        let threads = [(); THREADS].map(|()| scope.spawn(inserts));
        threads.map(|thread| thread.join().unwrap()).iter().sum()
    });
    REFUSES.set(false);
    // A thread that is stopped for long while it has them makes the others find none. Without the
    // second look that was 53 to 176 of 10,000.
    assert!(refused < 10, "{refused}: {}", table.stats());
}

/// Inserts until the table is full. There is no memory for more slots from here on.
fn fill<T: Default + Send + Sync + 'static>(table: &HandleTable<T>) -> Vec<Handle<T>> {
    REFUSES.set(true);
    std::iter::from_fn(|| table.try_insert(T::default()).ok()).collect()
}

/// A thread without a shard has deleted them, too few for a batch, and has ended.
#[test]
fn an_insert_finds_what_a_thread_without_a_shard_has_deleted() {
    alone(insert_finds_what_is_in_limbo);
}

fn insert_finds_what_is_in_limbo() {
    const FEW: usize = 3;
    for quiesces in [false, true] {
        let table = HandleTable::<usize>::builder().shards(2).build();
        let deleted = fill(&table).split_off(FEW);
        thread::scope(|scope| {
            let delete = |handle: &Handle<_>| table.remove(*handle).unwrap();
            scope.spawn(move || deleted[..FEW].iter().for_each(delete));
        });
        let _pinned = quiesces.then(|| {
            table.quiesce().unwrap();
            // So that the inserts can't end a grace period.
            table.pin()
        });
        assert_eq!(fill(&table).len(), FEW, "{}", table.stats());
    }
}

static SHARED: HandleTable<usize> = HandleTable::builder().shards(2).build();
static UNOWNED: HandleTable<usize> = HandleTable::builder().shards(1).build();
static DROPPING: HandleTable<Dropping> = HandleTable::builder().shards(2).build();

/// Not trivial: its slot is freed by itself.
#[derive(Default)]
struct Dropping;

impl Drop for Dropping {
    fn drop(&mut self) {}
}

thread_local! {
    static INSERTED: Cell<usize> = const { Cell::new(0) };
}

/// Inserts at most so many, and counts them.
fn insert_some<T: Default + Send + Sync + 'static>(table: &HandleTable<T>, most: usize) {
    let inserts = |_: &usize| table.try_insert(T::default()).is_ok();
    INSERTED.set((0..most).take_while(inserts).count());
}

/// The insert takes some of the returned slots, and needs memory for a batch of what it leaves.
/// Inside of the allocator there was once none of these slots, and an insert waited for its own
/// thread.
#[test]
fn an_insert_inside_of_the_allocator_finds_returned_slots() {
    alone(|| {
        let _kept: Vec<_> = (0..KEPT).map(|n| SHARED.insert(n)).collect();
        let inserts = || (0..RETURNED).map(|n| SHARED.insert(n)).collect::<Vec<_>>();
        let others = thread::spawn(inserts).join().unwrap();
        fill(&SHARED);
        let deletes = || {
            others.into_iter().for_each(|handle| SHARED.remove(handle).unwrap());
            SHARED.flush();
        };
        thread::spawn(deletes).join().unwrap();
        IN_ALLOC.set(Some(|| insert_some(&SHARED, RETURNED / 2)));
        let inserted = SHARED.try_insert(7);
        assert!(IN_ALLOC.take().is_none(), "it needs memory");
        assert_eq!((INSERTED.get(), inserted.is_ok()), (RETURNED / 2, true), "{}", SHARED.stats());

        let few: Vec<_> = fill(&SHARED).into_iter().take(10).collect();
        let deletes = || {
            few.into_iter().for_each(|handle| SHARED.remove(handle).unwrap());
            SHARED.flush();
        };
        thread::spawn(deletes).join().unwrap();
        INSERTED.set(2);
        IN_DEALLOC.set(Some(|| insert_some(&SHARED, 2)));
        let inserted = SHARED.try_insert(7);
        IN_DEALLOC.set(None);
        assert_eq!((INSERTED.get(), inserted.is_ok()), (2, true), "{}", SHARED.stats());
    });
}

/// A flush frees batch after batch. Once the memory of the first was freed, there was none of the
/// others' slots.
#[test]
fn an_insert_inside_of_the_allocator_finds_reclaimed_slots() {
    alone(|| {
        let handles: Vec<_> = (0..RETURNED).map(|n| UNOWNED.insert(n)).collect();
        fill(&UNOWNED);
        let pinned = UNOWNED.pin();
        handles.into_iter().for_each(|handle| UNOWNED.remove(handle).unwrap());
        drop(pinned);
        IN_DEALLOC.set(Some(|| insert_some(&UNOWNED, RETURNED / 2)));
        UNOWNED.flush();
        assert!(IN_DEALLOC.take().is_none(), "it frees memory");
        assert_eq!(INSERTED.get(), RETURNED / 2, "{}", UNOWNED.stats());
    });
}

/// An owner that frees many slots needs memory for a batch of them. Inside of the allocator there
/// was once none of these slots.
#[test]
fn an_insert_inside_of_the_allocator_finds_freed_slots() {
    alone(|| {
        let handles: Vec<_> = (0..RETURNED).map(|_| DROPPING.insert(Dropping)).collect();
        fill(&DROPPING);
        IN_ALLOC.set(Some(|| insert_some(&DROPPING, usize::MAX)));
        let removes = handles.into_iter().take_while(|_| IN_ALLOC.get().is_some());
        let removed = removes.map(|handle| DROPPING.remove(handle).unwrap()).count();
        assert!(IN_ALLOC.take().is_none(), "it needs memory");
        assert_eq!(INSERTED.get(), removed, "{}", DROPPING.stats());
    });
}
