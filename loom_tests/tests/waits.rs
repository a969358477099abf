//! What waits for readers or in batches, and the calls that drop it: `flush` and `quiesce`.
#![cfg(loom)]

use std::sync::Arc;

use handle_table::HandleTable;
use loom::thread;
use loom_tests::{
    assert_settled, check, race, read, table, table_of, table_of_batches, Ledger, Mark, Table,
};

/// Edges "turn" and "left". Fails if `flush` drops a value that is read, or if it and the last
/// reader each leave to the other what is left to all threads.
#[test]
fn flush_and_the_last_reader_drop_each_value_once() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let handles = [0, 1].map(|number| table.insert(ledger.value(number)));
        let _idle = race(
            &table,
            move |table| read(table, handles[0], 0),
            || {
                table.clear();
                table.flush();
            },
        );
        assert_settled(&table, &ledger, 0);
        ledger.close(table);
    });
}

/// A value whose drop takes long.
struct Slow(Arc<Mark>);

impl Drop for Slow {
    fn drop(&mut self) {
        thread::yield_now();
        self.0.set();
    }
}

/// Edge "delete", for `AtomicState::vacate`. Fails if `quiesce` misses a slot in limbo, or doesn't
/// wait until it is vacated: it returns while another thread still drops the value, or without
/// happening after that.
#[test]
fn quiesce_waits_for_a_drop_of_another_thread() {
    check(|| {
        let (table, mark) = (table_of(4), Mark::new());
        let handle = table.insert(Slow(Arc::clone(&mark)));
        let delete = move |table: &Arc<HandleTable<Slow>>| table.remove(handle).unwrap();
        let _idle = race(&table, delete, || {
            if !table.contains(handle) {
                table.quiesce().unwrap();
                mark.assert_set();
            }
        });
        assert_eq!(table.stats().pending, 0);
    });
}

/// Edge "turn". Fails if `quiesce` returns while a value that was deleted before waits for a
/// reader.
#[test]
fn quiesce_waits_for_a_reader() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let handle = table.insert(ledger.value(1));
        let _idle = race(
            &table,
            move |table| read(table, handle, 1),
            || {
                table.remove(handle).unwrap();
                table.quiesce().unwrap();
                assert_settled(&table, &ledger, 0);
            },
        );
        ledger.close(table);
    });
}

/// Edges "recycle" and "turn". Fails if a batch is dropped while one of its values is read, or if a
/// part of it is forgotten when its reader has let go.
#[test]
fn a_batch_of_values_waits_for_its_last_reader() {
    check(|| {
        let (table, ledger) = (table_of_batches(), Ledger::new());
        let handles = [0, 1].map(|number| table.insert(ledger.value(number)));
        let _idle = race(
            &table,
            move |table| read(table, handles[0], 0),
            || handles.map(|handle| table.remove(handle).unwrap()),
        );
        assert_settled(&table, &ledger, 0);
        ledger.close(table);
    });
}

/// Edge "recycle" of the limbo stack. Fails if `LimboStack::take` loses its swap, or
/// `LimboStack::unlink` its compare-exchange: a value of a batch is dropped twice, or never.
///
/// `parts::a_deleted_slot_is_taken_exactly_once` proves the algorithm, this model the wiring.
#[test]
fn flush_and_a_full_batch_drop_each_value_once() {
    check(|| {
        let (table, ledger) = (table_of_batches(), Ledger::new());
        let handles = [0, 1, 2].map(|number| table.insert(ledger.value(number)));
        let delete = move |table: &Table| {
            table.remove(handles[0]).unwrap();
            table.remove(handles[1]).unwrap();
        };
        let _idle = race(&table, delete, || {
            table.remove(handles[2]).unwrap();
            table.flush()
        });
        table.flush();
        assert_settled(&table, &ledger, 0);
        ledger.close(table);
    });
}
