//! Without memory for more slots an insert fails, gives its value back, and works again later.
//! Alone in its process, whose allocator refuses.
#![cfg(not(loom))]
#![allow(unsafe_code)] // an allocator

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    thread,
};

use handle_table::HandleTable;

/// Refuses zeroed memory of more than 2 KiB, as segments are, to threads that have set `REFUSES`.
struct Refusing;

thread_local! {
    static REFUSES: Cell<bool> = const { Cell::new(false) };
    /// Whether the first two such calls meet: both have asked before the first is refused, and the
    /// second is refused after the first thread has `GIVEN_UP`.
    static MEETS: Cell<bool> = const { Cell::new(false) };
}

/// How often.
static REFUSED: AtomicUsize = AtomicUsize::new(0);
static ASKED: AtomicUsize = AtomicUsize::new(0);
static GIVEN_UP: AtomicBool = AtomicBool::new(false);

fn wait_until(is_so: impl Fn() -> bool) {
    while !is_so() {
        thread::yield_now();
    }
}

fn meet() {
    match ASKED.fetch_add(1, Relaxed) {
        0 => wait_until(|| ASKED.load(Relaxed) > 1),
        1 => wait_until(|| GIVEN_UP.load(Relaxed)),
        _ => {}
    }
}

// SAFETY: the system's allocator, or null.
unsafe impl GlobalAlloc for Refusing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's duty.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.size() > 2_048 && REFUSES.get() {
            REFUSED.fetch_add(1, Relaxed);
            if MEETS.get() {
                meet();
            }
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

#[test]
fn without_memory_the_value_is_given_back_and_no_slot_is_lost() {
    for shards in [1, 2, 8] {
        let table = HandleTable::builder().shards(shards).build();
        let mut handles = vec![table.insert(String::from("first"))];

        REFUSES.set(true);
        let refused = REFUSED.load(Relaxed);
        let full = loop {
            match table.try_insert(String::from("value")) {
                Ok(handle) => handles.push(handle),
                Err(full) => break full,
            }
        };
        assert!(full.to_string().contains("memory"));
        assert_eq!(full.into_inner(), "value");
        assert!(REFUSED.load(Relaxed) > refused && handles.len() < 5_000);
        for _ in 0..10_000 {
            assert!(table.try_insert(String::new()).is_err());
        }
        assert!(table.try_insert_with(|_| String::new()).is_err());
        assert!(table.try_reserve().is_err());
        // What is there works, and a deleted slot is used again.
        assert_eq!(table.get(handles[0]).unwrap().as_str(), "first");
        table.remove(handles.swap_remove(0)).unwrap();
        handles.push(table.try_insert(String::from("again")).unwrap());

        REFUSES.set(false);
        let before = handles.len();
        handles.extend((0..10_000).map(|_| table.insert(String::new())));
        assert_eq!(table.len(), before + 10_000);
        let stats = table.stats();
        let most = handles.len() + 1_000 * shards;
        assert!(stats.live + stats.vacant < most && stats.exhausted == 0, "{stats}");
    }
}

/// A slot that was reserved before its memory was there could not be given back if another thread
/// had reserved the next one.
#[test]
fn no_slot_is_lost_when_two_threads_find_no_memory_at_once() {
    let table = HandleTable::builder().shards(1).build();
    let insert = || table.try_insert(String::new());
    let first = insert().unwrap();
    REFUSES.set(true);
    while insert().is_ok() {}

    thread::scope(|scope| {
        scope.spawn(|| {
            REFUSES.set(true);
            MEETS.set(true);
            assert!(insert().is_err());
            GIVEN_UP.store(true, Relaxed);
        });
        wait_until(|| ASKED.load(Relaxed) > 0);
        MEETS.set(true);
        assert!(insert().is_err());
    });
    REFUSES.set(false);

    for _ in 0..1_000 {
        let _kept = table.insert(String::new());
    }
    let stats = table.stats();
    assert_eq!(stats.vacant, 0, "nothing was deleted: {stats}");
    table.remove(first).unwrap();
    assert_eq!(table.stats().vacant, 1);
}
