//! How values are dropped: sweeps (`flush`, `quiesce`, `remove_now`) against batches, readers
//! and each other.
#![cfg(loom)]

use std::sync::Arc;

use handle_table::HandleTable;
use loom::{
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
};
use loom_tests::{
    check, check_with_fewer, end_grace_periods, first_is_ready, is_deleted, other_table, race,
    table, Ledger, Mark, Table,
};

/// Edge "grace". Fails if `quiesce` doesn't wait for its ticket, or if the clock counts a grace
/// period as over without waiting for readers: `quiesce` drops a value while it is read.
#[test]
fn quiesce_waits_for_a_reader() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let handle = table.insert(ledger.value(1));
        let read = move |table: &Table| match table.get(handle) {
            Ok(value) => assert_eq!(value.number(), 1),
            error => assert!(is_deleted(&error)),
        };
        let _idle = race(&table, read, || {
            table.remove(handle).unwrap();
            table.quiesce().unwrap();
            assert_eq!(ledger.alive(), 0);
        });
        ledger.close(table);
    });
}

/// Edge "sweep". Fails if `Inner::limbo_snapshot` misses a slot in limbo: `quiesce` returns before
/// a value is dropped that another thread has deleted earlier.
#[test]
fn quiesce_finds_what_another_thread_deleted() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let handle = table.insert(ledger.value(1));
        let deleted = Arc::new(AtomicBool::new(false));
        let delete = {
            let deleted = Arc::clone(&deleted);
            move |table: &Table| {
                table.remove(handle).unwrap();
                deleted.store(true, Ordering::Release);
            }
        };
        let _idle = race(&table, delete, || {
            let before = deleted.load(Ordering::Acquire);
            table.quiesce().unwrap();
            if before {
                assert_eq!(ledger.alive(), 0);
            }
        });
        ledger.close(table);
    });
}

/// Edge "sweep". Fails if a sweep doesn't wait until no thread is inside a batch, or if a SeqCst
/// fence between the sweep's flag and the batches' busy count is weakened: `quiesce` returns while
/// another thread still drops a value of its batch.
#[test]
fn quiesce_waits_for_a_drop_in_a_batch() {
    check(|| {
        let (table, ledger, handles, _other) = first_is_ready::<2>();
        // The first value is in a batch that is ready: this delete drops it.
        let delete = move |table: &Table| table.remove(handles[1]).unwrap();
        let _idle = race(&table, delete, || {
            table.quiesce().unwrap();
            assert!(ledger.alive() <= 1, "the first value is dropped");
        });
        ledger.close(table);
    });
}

/// Edge "sweep". Fails if the busy count loses its Release where a thread leaves a batch, or its
/// Acquire where a sweep waits: `quiesce` returns after a drop, and its caller doesn't see what the
/// drop did.
#[test]
fn quiesce_shows_what_a_drop_did() {
    struct SetsOnDrop(Arc<Mark>);
    impl Drop for SetsOnDrop {
        fn drop(&mut self) {
            self.0.set();
        }
    }
    check(|| {
        let (other, marks) = (other_table(), [Mark::new(), Mark::new()]);
        let table = Arc::new(HandleTable::builder().shards(1).build());
        drop(table.pin());
        let handles = [0, 1].map(|n: usize| table.insert(SetsOnDrop(Arc::clone(&marks[n]))));
        table.remove(handles[0]).unwrap();
        end_grace_periods(&other);
        // The first value is in a batch that is ready: this delete drops it.
        let delete = move |table: &Arc<HandleTable<SetsOnDrop>>| table.remove(handles[1]).unwrap();
        let _idle = race(&table, delete, || {
            table.quiesce().unwrap();
            marks[0].assert_set();
        });
    });
}

/// Edge "grace". Fails if `remove_now` doesn't wait for its ticket, or if the clock counts a grace
/// period as over without waiting for readers: the value is dropped while it is read.
#[test]
fn remove_now_drops_no_value_that_is_read() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let handle = table.insert(ledger.value(1));
        let read = move |table: &Table| match table.get(handle) {
            Ok(value) => assert_eq!(value.number(), 1),
            error => assert!(is_deleted(&error)),
        };
        let _idle = race(&table, read, || table.remove_now(handle).unwrap());
        ledger.close(table);
    });
}

/// Edge "grace". Fails if `flush` drops values whose grace period has not ended: a value is dropped
/// while it is read.
#[test]
fn flush_drops_no_value_that_is_read() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let handle = table.insert(ledger.value(1));
        let read = move |table: &Table| match table.get(handle) {
            Ok(value) => {
                // As often as `flush` yields to readers before it gives up.
                for _ in 0..6 {
                    thread::yield_now();
                }
                assert_eq!(value.number(), 1);
            }
            error => assert!(is_deleted(&error)),
        };
        let _idle = race(&table, read, || {
            table.remove(handle).unwrap();
            table.flush();
        });
        ledger.close(table);
    });
}

/// Edge "sweep". Fails if a sweep doesn't wait until no thread is inside a batch: `flush` and the
/// thread that reclaims the batch both drop the value.
///
/// `quiesce_waits_for_a_drop_in_a_batch` and
/// `a_sweep_and_a_batch_reused_in_place_drop_a_value_once` notice the other steps of the edge.
#[test]
fn a_sweep_and_a_batch_drop_a_value_once() {
    check(|| {
        let (table, ledger, handles, _other) = first_is_ready::<2>();
        let delete = move |table: &Table| table.remove(handles[1]).unwrap();
        let _idle = race(&table, delete, || table.flush());
        ledger.close(table);
    });
}

/// Edge "sweep", for a batch that is reused in place. Fails if the sweep's flag, the batches' busy
/// count or the fence of a batch is lost, or if the batch's owner drops a value although its slot
/// is vacated in place already: the sweep and the owner both drop the value, or one of them without
/// happening after the other.
#[test]
fn a_sweep_and_a_batch_reused_in_place_drop_a_value_once() {
    check(|| {
        let (table, ledger, other) = (table(4), Ledger::new(), other_table());
        let (ready, is_ready) = mpsc::channel();
        let reuse = {
            let ledger = ledger.clone();
            move |table: &Table| {
                // A batch of this thread's own shard becomes ready.
                let handles = [0, 1].map(|number| table.insert(ledger.value(number)));
                table.remove(handles[0]).unwrap();
                end_grace_periods(&other);
                ready.send(()).unwrap();
                // The sweep takes its snapshot first.
                thread::yield_now();
                table.remove(handles[1]).unwrap();
                let next = table.insert(ledger.value(2));
                assert_eq!(table.get(next).unwrap().number(), 2);
            }
        };
        let _idle = race(&table, reuse, || {
            is_ready.recv().unwrap();
            // Not `flush`: it would reclaim the batch itself.
            table.quiesce().unwrap();
        });
        ledger.close(table);
    });
}

/// Edge "sweep". Fails if `AtomicState::try_vacate_in_place` ignores the generation that the sweep
/// remembers: the sweep returns to a slot that has been used again, and drops the new value while
/// it is read.
#[test]
fn a_sweep_never_drops_the_next_value_of_a_slot() {
    check(|| {
        let (table, ledger, handles, other) = first_is_ready::<2>();
        let read = {
            let ledger = ledger.clone();
            move |table: &Table| {
                // Without preemption: only its place among the sweep's steps matters.
                loom::stop_exploring();
                // The first value is in a batch that is ready: this delete drops it.
                table.remove(handles[1]).unwrap();
                let next = table.insert(ledger.value(2));
                // The sweep's grace period begins now, or has begun before.
                end_grace_periods(&other);
                let last_look = table.remove_ref(next).unwrap();
                loom::explore();
                for _ in 0..8 {
                    thread::yield_now();
                }
                assert_eq!(last_look.number(), 2);
            }
        };
        let _idle = race(&table, read, || table.flush());
        ledger.close(table);
    });
}

/// Edge "sweep". Fails if the sweep lock admits two sweeps at a time, or if its release loses its
/// Release: both sweeps drop the value.
#[test]
fn two_sweeps_drop_a_value_once() {
    check_with_fewer(1, || {
        let (table, ledger) = (table(4), Ledger::new());
        let handle = table.insert(ledger.value(1));
        table.remove(handle).unwrap();
        let _idle = race(&table, |table| table.flush(), || table.flush());
        ledger.close(table);
    });
}

/// A value whose drop takes long.
struct Slow(Arc<Mark>);

impl Drop for Slow {
    fn drop(&mut self) {
        // More yields than a sweep makes before it gives up.
        for _ in 0..8 {
            thread::yield_now();
        }
        self.0.set();
    }
}

/// Edge "sweep". Fails if a sweep doesn't list its `Drops`, if `quiesce` doesn't wait for those of
/// others, or if `Drops` loses its Release or its Acquire: `quiesce` returns while another sweep
/// still drops values, or without happening after those drops.
#[test]
fn quiesce_waits_for_the_drops_of_another_sweep() {
    check_with_fewer(1, || {
        let table = Arc::new(HandleTable::builder().shards(1).build());
        let mark = Mark::new();
        let handle = table.insert(Slow(Arc::clone(&mark)));
        table.remove(handle).unwrap();
        // Not `flush`: it would find the batch ready, and drop the value as part of that.
        let sweep = |table: &Arc<HandleTable<Slow>>| table.quiesce().unwrap();
        let _idle = race(&table, sweep, || {
            table.quiesce().unwrap();
            mark.assert_set();
        });
    });
}
