//! New, value and delete against each other, on one slot.
#![cfg(loom)]

use std::sync::{atomic::AtomicBool, Arc};

use handle_table::{Handle, HandleError};
use loom::{
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    thread,
};
use loom_tests::{
    check, check_with_fewer, first_is_ready, is_deleted, next_of_even, pass_grace, race, same_slot,
    table, Deed, Ledger, Table,
};

/// `Slot::unlink` as a load and a store: two deletes of one handle both succeed.
#[test]
fn two_deletes_of_one_handle_both_win() {
    let won = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
    let [won_here, won_there] = won.clone();
    check(move || {
        let (table, ledger) = (table(4), Ledger::new());
        let handle = table.insert(ledger.value(1));
        let delete = move |table: &Table| table.remove(handle);
        let (there, here, _idle) = race(&table, delete, || table.remove(handle));
        assert!(here.is_ok() != there.is_ok(), "{here:?} and {there:?}");
        assert!(is_deleted(&here) || is_deleted(&there));
        won_here.fetch_or(here.is_ok(), Relaxed);
        won_there.fetch_or(there.is_ok(), Relaxed);
        ledger.close(table);
    });
    for won in won {
        assert!(won.load(Relaxed), "either may win");
    }
}

/// `HandleTable::get` without a pin, or a value dropped before its grace period.
#[test]
fn a_value_is_dropped_while_it_is_read() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let [handle, spare] = [1, 2].map(|number| table.insert(ledger.value(number)));
        let read = move |table: &Table| match table.get(handle) {
            Ok(value) => assert_eq!(value.number(), 1),
            error => assert!(is_deleted(&error)),
        };
        let _idle = race(&table, read, || {
            table.remove(handle).unwrap();
            // If nobody is pinned, this drops the first.
            table.remove(spare).unwrap();
        });
        ledger.close(table);
    });
}

/// A slot vacated before its grace period, or a state that says no generation: a stale handle
/// reads the value that came after its own.
#[test]
fn a_stale_handle_reads_the_next_value_of_its_slot() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let first = table.insert(ledger.value(1));
        // The second slot of the block, so that the next insert looks for returned slots.
        let spare = table.insert(ledger.value(0));
        let read = move |table: &Table| match table.get(first) {
            Ok(value) => assert_eq!(value.number(), 1),
            error => assert!(is_deleted(&error)),
        };
        let ((), second, _idle) = race(&table, read, || {
            table.remove(first).unwrap();
            table.remove(spare).unwrap();
            table.insert(ledger.value(2))
        });
        assert_ne!(first, second);
        assert!(is_deleted(&table.get(first)));
        assert_eq!(table.get(second).unwrap().number(), 2);
        ledger.close(table);
    });
}

/// `Slot::publish` or `Slot::state` without Release or Acquire, or the node stored after the
/// state: C passes a handle on by plain memory, and its value is not yet there.
#[test]
fn a_handle_passed_without_an_edge_finds_no_value() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        table.insert(ledger.value(0));
        let word = Arc::new(AtomicUsize::new(0));
        let read = {
            let word = Arc::clone(&word);
            move |table: &Table| {
                if let Ok(handle) = Handle::from_raw(word.load(Relaxed)) {
                    match table.get(handle) {
                        Ok(value) => assert_eq!(value.number(), 1),
                        // As far as this thread can see, not yet.
                        Err(error) => assert_eq!(error, HandleError::Unknown),
                    }
                }
            }
        };
        let _idle = race(&table, read, || {
            let handle = table.insert(ledger.value(1));
            word.store(handle.into_raw(), Relaxed);
        });
        ledger.close(table);
    });
}

/// A slot published before `make` has returned, or without Release: a guess at the handle that
/// `insert_with` is about to issue finds half a value.
#[test]
fn a_guessed_handle_finds_a_value_in_the_making() {
    check(|| {
        let (table, ledger) = (table(1), Ledger::new());
        let first = table.insert(ledger.value(1));
        table.remove(first).unwrap();
        table.flush();
        let guess = next_of_even(first);
        let read = move |table: &Table| match table.get(guess) {
            Ok(value) => assert_eq!(value.number(), 2),
            Err(error) => assert_eq!(error, HandleError::Unknown),
        };
        let ((), second, _idle) = race(&table, read, || {
            table.insert_with(|me| {
                assert!(!table.contains(me));
                ledger.value(2)
            })
        });
        assert!(same_slot(first, second));
        assert_eq!(second, guess);
        ledger.close(table);
    });
}

/// `Slot::unlink` without Release, or `Slot::state` without Acquire: who is told that a handle was
/// deleted does not see what its deleter did before.
#[test]
fn deleted_is_said_before_what_the_deleter_did() {
    for shards in [1, 4] {
        check(move || {
            let (table, ledger) = (table(shards), Ledger::new());
            let handle = table.insert(ledger.value(1));
            let deed = Deed::new();
            let delete = {
                let deed = Arc::clone(&deed);
                move |table: &Table| {
                    deed.done();
                    table.remove(handle).unwrap();
                }
            };
            let _idle = race(&table, delete, || {
                if !table.contains(handle) {
                    deed.assert_done();
                }
            });
            ledger.close(table);
        });
    }
}

/// The Acquire of the look at the state after an `unlink` that failed: the loser of two deletes, told
/// that the other has won, does not see what the winner did before.
#[test]
fn the_second_delete_is_refused_before_what_the_first_did() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let handle = table.insert(ledger.value(1));
        let deed = Deed::new();
        let delete = {
            let deed = Arc::clone(&deed);
            move |table: &Table| {
                deed.done();
                let _ = table.remove(handle);
            }
        };
        let _idle = race(&table, delete, || {
            if is_deleted(&table.remove(handle)) {
                deed.assert_done();
            }
        });
        ledger.close(table);
    });
}

/// `Slot::vacate` without Release: who is told "deleted" by a slot that is vacant again does not see
/// what the deleter did before. The one who vacates it has passed his fence when the batch comes.
#[test]
fn a_vacant_slot_says_deleted_before_what_the_deleter_did() {
    check_with_fewer(1, || {
        let (table, ledger, handles, other) = first_is_ready::<3>();
        // One batch is ready: whoever deletes next takes all that are ready by then.
        let deed = Deed::new();
        let delete = {
            let deed = Arc::clone(&deed);
            move |table: &Table| {
                // In one go: what matters is where in the other's steps it comes.
                loom::stop_exploring();
                deed.done();
                table.remove(handles[2]).unwrap();
                pass_grace(&other);
                loom::explore();
            }
        };
        let drop_batches = move |table: &Table| {
            loom::stop_exploring();
            drop(table.pin());
            loom::explore();
            table.remove(handles[1]).unwrap();
        };
        let _idle = race(&table, delete, || {
            race(&table, drop_batches, || {
                thread::yield_now();
                if !table.contains(handles[2]) {
                    deed.assert_done();
                }
            })
        });
        ledger.close(table);
    });
}
