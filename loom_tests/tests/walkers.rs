//! Values and their end: those who walk over all slots, against batches, readers and each other.
#![cfg(loom)]

use std::sync::Arc;

use handle_table::HandleTable;
use loom::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};
use loom_tests::{
    check, check_with_fewer, first_is_ready, first_is_ready_as_a_whole, is_deleted, other_table,
    pass_grace, race, table, Deed, Ledger, Table,
};

/// `Ticket::help`: `quiesce` returns while a value is still there, or drops it under a reader.
#[test]
fn quiesce_does_not_wait_for_a_reader() {
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

/// `Core::doom`: `quiesce` misses what another thread has deleted before it.
#[test]
fn quiesce_misses_what_another_thread_deleted() {
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

/// The wait for `Shard::is_busy`: `quiesce` returns while another thread is still dropping what it
/// took out of a slot.
#[test]
fn quiesce_returns_in_the_middle_of_a_drop() {
    check(|| {
        let (table, ledger, handles, _other) = first_is_ready::<2>();
        // The first value is in a batch that is ready; this drops it.
        let delete = move |table: &Table| table.remove(handles[1]).unwrap();
        let _idle = race(&table, delete, || {
            table.quiesce().unwrap();
            assert!(ledger.alive() <= 1, "the first is gone");
        });
        ledger.close(table);
    });
}

/// "walk", `Shard::leave` without Release, `is_busy` without Acquire: `quiesce` returns after a drop,
/// and what that did is not done for its caller.
#[test]
fn quiesce_hides_what_a_drop_did() {
    struct Last(Arc<Deed>);
    impl Drop for Last {
        fn drop(&mut self) {
            self.0.done();
        }
    }
    check(|| {
        let (other, deeds) = (other_table(), [Deed::new(), Deed::new()]);
        let table = Arc::new(HandleTable::builder().shards(1).build());
        drop(table.pin());
        let handles = [0, 1].map(|n: usize| table.insert(Last(Arc::clone(&deeds[n]))));
        table.remove(handles[0]).unwrap();
        pass_grace(&other);
        // The first value is in a batch that is ready; this drops it.
        let delete = move |table: &Arc<HandleTable<Last>>| table.remove(handles[1]).unwrap();
        let _idle = race(&table, delete, || {
            table.quiesce().unwrap();
            deeds[0].assert_done();
        });
    });
}

/// `Core::delete_now` without its grace period.
#[test]
fn remove_now_drops_a_value_under_a_reader() {
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

/// `Core::flush` without its grace period.
#[test]
fn flush_drops_a_value_under_a_reader() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let handle = table.insert(ledger.value(1));
        let read = move |table: &Table| match table.get(handle) {
            Ok(value) => {
                // It yields to readers, and gives up.
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

/// "walk": `flush` and the owner of a batch both drop its value, or one drops it unseen by the
/// other: flag, busy count, and the fence on either side.
#[test]
fn a_walker_and_a_batch_drop_the_same_value() {
    check(|| {
        let (table, ledger, handles, _other) = first_is_ready::<2>();
        let delete = move |table: &Table| table.remove(handles[1]).unwrap();
        let _idle = race(&table, delete, || table.flush());
        ledger.close(table);
    });
}

/// The same where the batch comes back to its owner whole, and is used again: the walker finds the next
/// value in its slot, or the owner the slot with its value gone and itself not hollow.
#[test]
fn a_walker_and_a_whole_batch_drop_the_same_value() {
    check(|| {
        let (table, ledger, handles, _other) = first_is_ready_as_a_whole::<2>();
        let _idle = race(
            &table,
            |table| table.flush(),
            || {
                table.remove(handles[1]).unwrap();
                let next = table.insert(ledger.value(2));
                assert_eq!(table.get(next).unwrap().number(), 2);
            },
        );
        ledger.close(table);
    });
}

/// The generation that a walker remembers: it comes back to a slot that has been used again, and
/// drops the value that is there now, under a reader.
#[test]
fn a_walker_drops_the_next_value_of_a_slot() {
    check(|| {
        let (table, ledger, handles, other) = first_is_ready::<2>();
        let read = {
            let ledger = ledger.clone();
            move |table: &Table| {
                // In one go: what matters is where in the walk it comes.
                loom::stop_exploring();
                // The first value is in a batch that is ready; this drops it.
                table.remove(handles[1]).unwrap();
                let next = table.insert(ledger.value(2));
                // The walker's grace period begins, at the latest.
                pass_grace(&other);
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

/// "walk", between two walkers: both drop the same value.
#[test]
fn two_walkers_drop_the_same_value() {
    check_with_fewer(1, || {
        let (table, ledger) = (table(4), Ledger::new());
        let handle = table.insert(ledger.value(1));
        table.remove(handle).unwrap();
        let _idle = race(&table, |table| table.flush(), || table.flush());
        ledger.close(table);
    });
}

/// A value whose drop takes its time.
struct Slow(Arc<Deed>);

impl Drop for Slow {
    fn drop(&mut self) {
        // More than a walker yields to others before it gives up.
        for _ in 0..8 {
            thread::yield_now();
        }
        self.0.done();
    }
}

/// `Drops`: `quiesce` returns while another walker still drops what it took, or does not come after
/// those drops.
#[test]
fn quiesce_returns_while_a_walker_drops() {
    check_with_fewer(1, || {
        let table = Arc::new(HandleTable::builder().shards(1).build());
        let deed = Deed::new();
        let handle = table.insert(Slow(Arc::clone(&deed)));
        table.remove(handle).unwrap();
        // Not `flush`, which would find the batch ready, and drop the value with that.
        let walk = |table: &Arc<HandleTable<Slow>>| table.quiesce().unwrap();
        let _idle = race(&table, walk, || {
            table.quiesce().unwrap();
            deed.assert_done();
        });
    });
}
