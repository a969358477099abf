//! Calls that wait no longer than they may, and refused inserts that do not wait in vain: counted
//! in yields of the processor. Alone in its process, in which it takes the place of the system's
//! `sched_yield`.
#![cfg(all(target_os = "linux", not(any(loom, miri))))]
#![allow(unsafe_code)] // a function of the system's name

#[path = "../common/serial.rs"]
mod serial;

use std::{cell::Cell, ffi::c_int, sync::mpsc::channel, thread, time::Duration};

use handle_table::{Handle, HandleTable, QuiesceError, WaitError};

use serial::serial;

thread_local! {
    static YIELDS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: it does what the system's function may do.
#[no_mangle]
extern "C" fn sched_yield() -> c_int {
    YIELDS.set(YIELDS.get() + 1);
    0
}

/// How often the calling thread yields in `f`.
fn yields(f: impl FnOnce()) -> usize {
    let before = YIELDS.get();
    f();
    YIELDS.get() - before
}

/// Calls `f` while another thread reads the value.
fn while_another_reads(table: &HandleTable<u64>, handle: Handle<u64>, f: impl FnOnce()) {
    thread::scope(|scope| {
        let (ready, is_ready) = channel();
        let (end, ended) = channel::<()>();
        scope.spawn(move || {
            let _value = table.get(handle).unwrap();
            ready.send(()).unwrap();
            let _ = ended.recv();
        });
        is_ready.recv().unwrap();
        f();
        drop(end);
    });
}

#[test]
fn yields_are_counted() {
    assert_eq!(yields(|| (0..3).for_each(|_| thread::yield_now())), 3);
}

#[test]
fn a_wait_whose_time_is_over_does_not_go_on() {
    let _serial = serial();
    let table = HandleTable::new();
    let (read, deleted) = (table.insert(1), table.insert(2));
    while_another_reads(&table, read, || {
        let removed = || {
            assert_eq!(
                table.remove_wait_timeout(deleted, Duration::ZERO),
                Err(WaitError::TimedOut)
            );
        };
        assert_eq!(yields(removed), 0);
        let quiesced = || {
            let timed_out = table.quiesce_timeout(Duration::ZERO);
            assert!(matches!(timed_out, Err(QuiesceError::TimedOut { reader: Some(_) })));
        };
        assert_eq!(yields(quiesced), 0);
    });
}

#[test]
fn an_insert_beyond_the_limit_is_refused_without_a_wait() {
    let _serial = serial();
    let table = HandleTable::builder().max_handles(2).build();
    let handle = table.insert(1);
    // One that waits in a batch.
    table.remove(table.insert(2)).unwrap();
    let _last = table.insert(3);
    let refused = || assert!(table.try_insert(4).is_err());
    assert_eq!(yields(refused), 0);
    while_another_reads(&table, handle, || assert_eq!(yields(refused), 0, "another one reads"));
    let _read = table.get(handle).unwrap();
    assert_eq!(yields(refused), 0, "it reads itself");
}

#[test]
fn a_flush_does_not_wait_for_its_own_thread() {
    let _serial = serial();
    let table = HandleTable::new();
    let handle = table.insert(1);
    let _read = table.get(handle).unwrap();
    table.remove(table.insert(2)).unwrap();
    let flushed = || assert_eq!(table.flush(), 0);
    assert_eq!(yields(flushed), 0);
}
