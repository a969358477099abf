//! Threads without a shard use the slots that an owner has too many of. Alone in its process, in
//! which one thread must own the one shard that can be owned, and whose allocator refuses.
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

use handle_table::{HandleTable, Stats};

use serial::serial;

/// Refuses zeroed memory of more than 2 KiB, as segments are, to threads that have set `REFUSES`.
struct Refusing;

thread_local! {
    static REFUSES: Cell<bool> = const { Cell::new(false) };
}

// SAFETY: the system's allocator, or null.
unsafe impl GlobalAlloc for Refusing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's duty.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.size() > 2_048 && REFUSES.get() {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller's duty.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
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
