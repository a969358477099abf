//! Deletes that wait for their readers: `remove_wait` and `take`.
#![cfg(loom)]

use std::sync::Arc;

use handle_table::{HandleTable, WaitError};
use loom_tests::{
    assert_settled, check, is_deleted, race, read, table, table_of, AllLeases, Ledger, Mark, Table,
};

/// Edges "turn" and "grace". Fails if `take_wait` doesn't wait for its reader, or without happening
/// after it.
#[test]
fn a_taken_value_has_no_reader() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let handle = table.insert(ledger.value(7));
        let _idle = race(
            &table,
            move |table| read(table, handle, 7),
            || {
                let value = table.take(handle).unwrap();
                assert_eq!(value.number(), 7);
                drop(value);
            },
        );
        assert_settled(&table, &ledger, 0);
        ledger.close(table);
    });
}

/// Edges "collector" and "grace". Fails if `take_wait` doesn't wait for a reader without a record.
#[test]
fn a_taken_value_has_no_reader_without_a_lease() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let leases = AllLeases::take();
        let handle = table.insert(ledger.value(7));
        let idle =
            race(&table, move |table| read(table, handle, 7), || drop(table.take(handle).unwrap()));
        assert_eq!(ledger.alive(), 0);
        drop((idle, leases));
        ledger.close(table);
    });
}

/// Edge "delete". Fails if `take_wait` and another delete both get the value.
#[test]
fn one_of_two_that_take_and_remove_gets_the_value() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let handle = table.insert(ledger.value(7));
        let take = move |table: &Table| match table.take(handle) {
            Ok(value) => value.number() == 7,
            Err(error) => {
                let WaitError::Handle(error) = error else { panic!("{error}") };
                assert!(is_deleted::<()>(&Err(error)));
                false
            }
        };
        let (taken, removed, _idle) = race(&table, take, || table.remove(handle).is_ok());
        assert!(taken != removed);
        assert_settled(&table, &ledger, 0);
        ledger.close(table);
    });
}

/// Edges "turn" and "delete". Fails if `remove_wait` returns while the value is read, or before it
/// is dropped.
#[test]
fn remove_wait_returns_when_the_value_is_dropped() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let handle = table.insert(ledger.value(7));
        let _idle = race(
            &table,
            move |table| read(table, handle, 7),
            || {
                table.remove_wait(handle).unwrap();
                assert_eq!(ledger.alive(), 0);
            },
        );
        assert_settled(&table, &ledger, 0);
        ledger.close(table);
    });
}

/// Edge "grace". Fails if `remove_wait` of a trivial value returns before its reader has let go:
/// loom sees both set the mark.
#[test]
fn remove_wait_of_a_trivial_value_returns_after_its_reader() {
    check(|| {
        let (table, mark) = (table_of(4), Mark::new());
        let handle = table.insert(7_usize);
        let there = Arc::clone(&mark);
        let read = move |table: &Arc<HandleTable<usize>>| {
            if let Ok(value) = table.get(handle) {
                assert_eq!(*value, 7);
                there.set();
            }
        };
        let _idle = race(&table, read, || {
            table.remove_wait(handle).unwrap();
            mark.set();
        });
    });
}
