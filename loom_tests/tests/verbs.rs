//! Insert, look-up and delete against each other, on one slot.
#![cfg(loom)]

use std::sync::{atomic::AtomicBool, Arc};

use handle_table::Handle;
use loom::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use loom_tests::{
    check, forge_next, is_deleted, is_not_issued, race, same_slot, table, Ledger, Mark, Table,
};

/// Fails if `AtomicState::unlink` becomes a load and a store: two deletes of one handle both
/// succeed.
#[test]
fn one_of_two_deletes_wins() {
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

/// Edge "pin". Fails if `HandleTable::get` doesn't pin, or pins after its look: the value is
/// dropped while it is read.
#[test]
fn a_value_outlives_its_ref() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let handle = table.insert(ledger.value(1));
        let read = move |table: &Table| match table.get(handle) {
            Ok(value) => assert_eq!(value.number(), 1),
            error => assert!(is_deleted(&error)),
        };
        let _idle = race(&table, read, || table.remove(handle).unwrap());
        ledger.close(table);
    });
}

/// Edge "pin". Fails if a slot is freed while its value is read, or is issued again in its old
/// generation: a stale handle reads the next value of its slot.
#[test]
fn a_stale_handle_never_reads_the_next_value() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let first = table.insert(ledger.value(1));
        let read = move |table: &Table| match table.get(first) {
            Ok(value) => assert_eq!(value.number(), 1),
            error => assert!(is_deleted(&error)),
        };
        let ((), second, _idle) = race(&table, read, || {
            table.remove(first).unwrap();
            table.insert(ledger.value(2))
        });
        assert_ne!(first, second);
        assert!(is_deleted(&table.get(first)));
        assert_eq!(table.get(second).unwrap().number(), 2);
        ledger.close(table);
    });
}

/// Edge "publish". Fails if `AtomicState::publish` loses its Release or `AtomicState::load` its
/// Acquire, or if the state is stored before the value: C passes the handle on through ordinary
/// memory, and the reader finds it valid while its value is not written yet.
#[test]
fn a_handle_passed_without_an_edge_finds_all_or_nothing() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let _ = table.insert(ledger.value(0));
        let word = Arc::new(AtomicUsize::new(0));
        let read = {
            let word = Arc::clone(&word);
            move |table: &Table| {
                if let Ok(handle) = Handle::from_raw(word.load(Relaxed)) {
                    match table.get(handle) {
                        Ok(value) => assert_eq!(value.number(), 1),
                        // As far as this thread can see, the handle is not issued yet.
                        Err(error) => assert!(is_not_issued(error), "{error}"),
                    }
                }
            }
        };
        let _idle = race(&table, read, || {
            let handle = table.insert(ledger.value(1));
            word.store(handle.to_raw(), Relaxed);
        });
        ledger.close(table);
    });
}

/// Fails if `Claim::publish` stores the state before the value: a guess at the handle that
/// `insert_with` is about to issue finds half a value. Also fails if `explain` finds the handle
/// live by then and reports it as `Deleted`.
#[test]
fn a_guessed_handle_has_no_value_until_published() {
    check(|| {
        let (table, ledger) = (table(1), Ledger::new());
        let first = table.insert(ledger.value(1));
        table.remove(first).unwrap();
        let guess = forge_next(first);
        let read = move |table: &Table| match table.get(guess) {
            Ok(value) => assert_eq!(value.number(), 2),
            Err(error) => assert!(is_not_issued(error), "{error}"),
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

/// Edge "delete". Fails if `AtomicState::unlink` or `AtomicState::vacate` loses its Release, or
/// `AtomicState::load` its Acquire: a reader is told that a handle was deleted, by a slot in limbo
/// or one that is vacant again, and doesn't see what the deleter did before.
#[test]
fn deleted_is_reported_after_what_the_deleter_did() {
    for shards in [1, 4] {
        check(move || {
            let (table, ledger) = (table(shards), Ledger::new());
            let handle = table.insert(ledger.value(1));
            let mark = Mark::new();
            let delete = {
                let mark = Arc::clone(&mark);
                move |table: &Table| {
                    mark.set();
                    table.remove(handle).unwrap();
                }
            };
            let _idle = race(&table, delete, || {
                if !table.contains(handle) {
                    mark.assert_set();
                }
            });
            ledger.close(table);
        });
    }
}

/// Edge "delete". Fails if `explain` loads the state without Acquire after a failed `unlink`: the
/// loser of two deletes is told that the other has won, and doesn't see what the winner did before.
#[test]
fn a_losing_delete_sees_what_the_winner_did() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let handle = table.insert(ledger.value(1));
        let mark = Mark::new();
        let delete = {
            let mark = Arc::clone(&mark);
            move |table: &Table| {
                mark.set();
                let _ = table.remove(handle);
            }
        };
        let _idle = race(&table, delete, || {
            if is_deleted(&table.remove(handle)) {
                mark.assert_set();
            }
        });
        ledger.close(table);
    });
}
