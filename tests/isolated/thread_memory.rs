//! The collector's memory for a thread is freed after the thread has ended, also if no thread
//! deletes. Alone in its process, since it counts all allocations.
#![cfg(not(loom))]
#![allow(unsafe_code)]

#[path = "../common/allocated.rs"]
mod allocated;

use std::{
    cell::OnceCell,
    sync::{Arc, Barrier},
    thread,
};

use handle_table::{Handle, HandleTable};

use allocated::allocated;

/// How many bytes more are allocated after `use_threads` has run than after it ran the time before.
/// A thread's participant in the collector has 2 KB, and so has a bag in the collector's queue.
fn growth(mut use_threads: impl FnMut()) -> usize {
    use_threads();
    let grown = |_| {
        let before = allocated();
        use_threads();
        allocated().saturating_sub(before)
    };
    // A thread that is preempted while pinned holds some back for a while, which is no leak. A leak
    // is there each time, so the least of three counts.
    (0..3).map(grown).fold(usize::MAX, usize::min)
}

static TABLE: HandleTable<u8> = HandleTable::new();

fn look(handle: Handle<u8>) {
    assert_eq!(TABLE.get(handle).as_deref(), Ok(&7));
}

/// Looks a handle up, many times, when the thread's state in this crate is gone.
struct Late(Handle<u8>);

impl Drop for Late {
    fn drop(&mut self) {
        (0..500).for_each(|_| look(self.0));
    }
}

// One test: if there were more, each would count the memory of the others.
#[test]
fn threads_that_come_and_go_leave_no_memory_behind() {
    let handle = TABLE.insert(7);

    let one_by_one = || {
        for _ in 0..500 {
            thread::spawn(move || look(handle)).join().unwrap();
        }
    };
    let bytes = growth(one_by_one);
    assert!(bytes < 300_000, "{bytes} bytes, one by one");
    let pinned = TABLE.pin();
    let bytes = growth(one_by_one);
    assert!(bytes < 300_000, "{bytes} bytes, one by one, beside a reader");
    drop(pinned);

    let at_once = growth(|| {
        let all = Arc::new(Barrier::new(200));
        let threads = [(); 200].map(|()| {
            let all = Arc::clone(&all);
            thread::spawn(move || {
                look(handle);
                all.wait();
            })
        });
        for thread in threads {
            thread.join().unwrap();
        }
    });
    assert!(at_once < 300_000, "{at_once} bytes, all at once");

    let late = growth(|| {
        thread::spawn(move || {
            thread_local!(static LATE: OnceCell<Late> = const { OnceCell::new() });
            // Made before the first look-up, so dropped after the thread's state in this crate.
            LATE.with(|late| assert!(late.set(Late(handle)).is_ok()));
            look(handle);
        })
        .join()
        .unwrap();
    });
    assert!(late < 300_000, "{late} bytes, in a thread-local's drop");
}
