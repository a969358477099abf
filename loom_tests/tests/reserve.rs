//! Handles that are known before their values are there: they are filled or dropped while other
//! threads look, and by another thread than has reserved them.
#![cfg(loom)]
#![allow(unsafe_code)] // a reserved handle that a thread takes along

use std::{
    mem,
    sync::{atomic::AtomicBool, atomic::Ordering::Relaxed, Arc},
};

use handle_table::{Handle, HandleError, Reserved};
use loom_tests::{
    assert_settled, check, is_deleted, race, same_slot, table, Ledger, Table, Tracked,
};

/// Whether the answer is that the value is still to come.
fn is_not_yet<T>(answer: &Result<T, HandleError>) -> bool {
    matches!(answer, Err(HandleError::NotYet { .. }))
}

/// A reserved handle for another thread.
///
/// # Safety
///
/// It is filled or dropped while its table exists.
unsafe fn unbound(reserved: Reserved<'_, Tracked>) -> Reserved<'static, Tracked> {
    // SAFETY: the caller's duty.
    unsafe { mem::transmute::<Reserved<'_, Tracked>, Reserved<'static, Tracked>>(reserved) }
}

/// Looks a handle up that is being filled. Returns whether its value was there.
fn look(table: &Table, handle: Handle<Tracked>, number: usize) -> bool {
    match table.get(handle) {
        Ok(value) => {
            assert_eq!(value.number(), number);
            true
        }
        error => {
            assert!(is_not_yet(&error), "{:?}", error.err());
            false
        }
    }
}

/// Edge "publish". Fails if `ReservedSlot::publish` stores the state before the value: a look-up
/// finds half a value. Also fails if a look-up that was too early is told anything but `NotYet`:
/// because the slot was not marked as reserved, or because it was filled before `explain` looked.
#[test]
fn a_reserved_handle_has_no_value_or_all_of_it() {
    let found = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
    let [found_none, found_all] = found.clone();
    check(move || {
        let (table, ledger) = (table(4), Ledger::new());
        let reserved = table.reserve();
        let handle = reserved.handle();
        let there = move |table: &Table| look(table, handle, 1);
        let (is_there, filled, _idle) = race(&table, there, || reserved.fill(ledger.value(1)));
        assert_eq!(filled, handle);
        assert!(look(&table, handle, 1));
        assert_eq!(table.len(), 1);
        found_none.fetch_or(!is_there, Relaxed);
        found_all.fetch_or(is_there, Relaxed);
        ledger.close(table);
    });
    for found in found {
        assert!(found.load(Relaxed), "either may be found");
    }
}

/// Fails if the slot of a reserved handle that is dropped keeps its generation: a look-up is told
/// that the handle was never shown, or reads the next value of the slot.
#[test]
fn a_reserved_handle_that_is_dropped_has_no_value_or_is_deleted() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let reserved = table.reserve();
        let handle = reserved.handle();
        let there = move |table: &Table| {
            let answer = table.get(handle).map(drop);
            assert!(is_not_yet(&answer) || is_deleted(&answer), "{answer:?}");
        };
        let ((), next, _idle) = race(&table, there, || {
            drop(reserved);
            table.insert(ledger.value(2))
        });
        assert!(same_slot(handle, next));
        assert_ne!(handle, next);
        assert!(is_deleted(&table.get(handle)));
        assert_eq!(table.get(next).unwrap().number(), 2);
        assert_eq!(table.len(), 1);
        ledger.close(table);
    });
}

/// Edge "publish". Fails if a delete finds the handle before its value is there: it drops half a
/// value, or one that is then dropped with the table once more.
#[test]
fn a_delete_finds_a_reserved_handle_filled_or_does_nothing() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let reserved = table.reserve();
        let handle = reserved.handle();
        let delete = move |table: &Table| table.remove(handle);
        let (deleted, filled, _idle) = race(&table, delete, || reserved.fill(ledger.value(1)));
        assert!(deleted.is_ok() || is_not_yet(&deleted), "{deleted:?}");
        assert_eq!(table.contains(filled), deleted.is_err());
        let left = usize::from(deleted.is_err());
        assert_eq!(table.len(), left);
        assert_settled(&table, &ledger, left);
        ledger.close(table);
    });
}

/// Edges "publish" and "recycle". Fails if the thread that fills a reserved handle is taken for the
/// one that has reserved it: it writes what only that one may, while that one goes on.
#[test]
fn a_thread_fills_what_another_has_reserved() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let earlier = table.insert(ledger.value(0));
        table.remove(earlier).unwrap();
        let reserved = table.reserve();
        let handle = reserved.handle();
        assert!(same_slot(earlier, handle));
        // SAFETY: the thread fills it while it has the table.
        let reserved = unsafe { unbound(reserved) };
        let value = ledger.value(1);
        let fill = move |_: &Table| assert_eq!(reserved.fill(value), handle);
        let ((), other, _idle) = race(&table, fill, || {
            look(&table, handle, 1);
            table.insert(ledger.value(2))
        });
        assert!(!same_slot(handle, other));
        assert!(look(&table, handle, 1) && look(&table, other, 2));
        assert_eq!(table.len(), 2);
        table.remove(handle).unwrap();
        assert_settled(&table, &ledger, 1);
        ledger.close(table);
    });
}

/// Edge "recycle". Fails if a thread that drops a reserved handle gives the slot to itself, or to
/// two threads: the slot is issued twice, or not any more.
#[test]
fn a_thread_drops_what_another_has_reserved() {
    for shards in [1, 4] {
        check(move || {
            let (table, ledger) = (table(shards), Ledger::new());
            let reserved = table.reserve();
            let handle = reserved.handle();
            // SAFETY: the thread drops it while it has the table.
            let reserved = unsafe { unbound(reserved) };
            let there = move |table: &Table| {
                // It takes a lease, and so has a list of its own.
                assert!(is_not_yet(&table.get(handle)));
                drop(reserved);
                assert!(is_deleted(&table.get(handle)));
            };
            let ((), other, _idle) = race(&table, there, || {
                let answer = table.get(handle).map(drop);
                assert!(is_not_yet(&answer) || is_deleted(&answer), "{answer:?}");
                table.insert(ledger.value(2))
            });
            let more = [3, 4, 5].map(|number| table.insert(ledger.value(number)));
            let all = [other, more[0], more[1], more[2]];
            for (nth, one) in all.iter().enumerate() {
                assert!(all[..nth].iter().all(|two| !same_slot(*one, *two)), "issued twice");
            }
            assert!(all.iter().any(|one| same_slot(*one, handle)), "not used again");
            assert_eq!(table.get(other).unwrap().number(), 2);
            assert!(is_deleted(&table.get(handle)));
            ledger.close(table);
        });
    }
}
