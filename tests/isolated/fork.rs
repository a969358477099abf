//! A forked child of a program with many threads: its tables work, whatever the threads that are
//! gone were in the middle of. Alone in its process, which forks.
#![cfg(all(target_os = "linux", not(loom)))]
#![allow(unsafe_code)]

#[path = "../common/child.rs"]
mod child;
#[path = "../common/threads.rs"]
#[allow(dead_code)] // One of these is needed here.
mod threads;

use std::{
    collections::HashSet,
    sync::{
        atomic::{AtomicBool, Ordering::Acquire},
        Arc,
    },
    thread,
    time::Duration,
};

use handle_table::{Handle, HandleTable};

use child::in_child;
use threads::SetOnDrop;

static NUMBERS: HandleTable<usize> = HandleTable::new();
static SHARED: HandleTable<Arc<usize>> = HandleTable::new();

/// Each verb, in the child. The first one that goes wrong is the answer; zero if none does.
fn use_tables(number: Handle<usize>, shared: Handle<Arc<usize>>) -> u8 {
    let wrong = [
        NUMBERS.get(number).is_ok_and(|value| *value == 7),
        SHARED.get(shared).is_ok_and(|value| **value == 8),
        (0..3_000).all(|n| {
            let handle = NUMBERS.insert(n);
            NUMBERS.get(handle).is_ok_and(|value| *value == n) && NUMBERS.remove(handle).is_ok()
        }),
        (0..3_000).all(|n| {
            let value = Arc::new(n);
            let handle = SHARED.insert(Arc::clone(&value));
            let removed = SHARED.remove_now(handle);
            removed == Ok(true) && Arc::strong_count(&value) == 1
        }),
        {
            NUMBERS.flush();
            SHARED.flush();
            true
        },
        NUMBERS.quiesce().is_ok(),
        SHARED.quiesce().is_ok(),
        NUMBERS.remove(number).is_ok() && SHARED.remove_now(shared) == Ok(true),
        thread::spawn(|| {
            let handle = SHARED.insert(Arc::new(1));
            SHARED.get(handle).is_ok() && SHARED.remove_now(handle) == Ok(true)
        })
        .join()
        .is_ok_and(|right| right),
        handle_table::readers().is_empty(),
    ];
    wrong.iter().position(|right| !right).map_or(0, |nth| nth as u8 + 1)
}

// One test: its threads are those whose middle the children inherit.
#[test]
fn a_child_uses_its_tables_and_issues_other_handles_than_its_parent() {
    let stop = AtomicBool::new(false);
    let number = NUMBERS.insert(7);
    let shared = SHARED.insert(Arc::new(8));
    thread::scope(|scope| {
        for nth in 0..3 {
            let stop = &stop;
            scope.spawn(move || {
                // With small widths, more would use the tables up.
                for _ in 0..100_000 {
                    if stop.load(Acquire) {
                        break;
                    }
                    // In the middle of a read, a drop, a batch, a switch of the mode.
                    let held = SHARED.get(shared);
                    for n in 0..nth + 1 {
                        let _ = SHARED.remove(SHARED.insert(Arc::new(n)));
                        let _ = NUMBERS.remove(NUMBERS.insert(n));
                    }
                    drop(held);
                    NUMBERS.flush();
                }
            });
        }
        let _stop = SetOnDrop(&stop);
        thread::sleep(Duration::from_millis(10));
        for _ in 0..40 {
            assert_eq!(in_child(|| use_tables(number, shared)), Some(0));
        }
        // This thread's own guard counts in the child too.
        let held = SHARED.get(shared);
        assert_eq!(
            in_child(|| {
                let kept = SHARED.remove_now(shared) == Ok(false) && held.is_ok_and(|v| **v == 8);
                u8::from(!kept || SHARED.quiesce().is_err())
            }),
            Some(0)
        );
    });
    // With few generations there is no room to leave some out.
    if !cfg!(handle_table_small) {
        other_handles();
    }
}

/// So many handles of a table from before the fork, and of one that is made after it.
const MANY: usize = 1_000;

fn issue() -> [usize; 2 * MANY] {
    let new = HandleTable::new();
    std::array::from_fn(|n| {
        let handle = if n < MANY { NUMBERS.insert(n) } else { new.insert(n) };
        handle.to_raw()
    })
}

/// What a child issues. It sends its handles through a pipe.
fn issued_by_child() -> [usize; 2 * MANY] {
    const BYTES: usize = size_of::<[usize; 2 * MANY]>();
    let mut ends = [0; 2];
    // SAFETY: the array has room for two.
    assert_eq!(unsafe { libc::pipe(ends.as_mut_ptr()) }, 0);
    let answer = in_child(|| {
        let handles = issue();
        // SAFETY: the bytes are there. They fit into the pipe.
        let sent = unsafe { libc::write(ends[1], handles.as_ptr().cast(), BYTES) };
        u8::from(sent != BYTES as isize)
    });
    assert_eq!(answer, Some(0));
    let mut handles = [0; 2 * MANY];
    // SAFETY: there is room for the bytes.
    let got = unsafe { libc::read(ends[0], handles.as_mut_ptr().cast(), BYTES) };
    assert_eq!(got, BYTES as isize);
    handles
}

fn other_handles() {
    // On 32-bit targets two children leave out equally many generations once in 64 times.
    let children = if usize::BITS == 64 { 2 } else { 1 };
    let mut seen: HashSet<_> = issue().into_iter().collect();
    for _ in 0..children {
        for handle in issued_by_child() {
            assert!(seen.insert(handle), "{handle:#x} was issued twice");
        }
    }
    assert!(issue().iter().all(|handle| !seen.contains(handle)));
}
