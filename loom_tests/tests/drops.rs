//! When values are dropped: by their delete, or by their last reader.
#![cfg(loom)]

use std::sync::{Arc, Weak};

use handle_table::{Handle, HandleTable};
use loom::thread;
use loom_tests::{
    assert_settled, check, is_deleted, race, read, table, table_of, AllLeases, Ledger, Table,
    Tracked,
};

/// Edges "pin" and "turn". Fails if a delete drops a value that is read, if neither the deleter nor
/// the reader drops it, or both.
#[test]
fn a_value_is_dropped_by_its_deleter_or_its_last_reader() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let handle = table.insert(ledger.value(1));
        let _idle =
            race(&table, move |table| read(table, handle, 1), || table.remove(handle).unwrap());
        assert_settled(&table, &ledger, 0);
        ledger.close(table);
    });
}

/// Fails if a delete leaves its value to a later call although nobody reads.
#[test]
fn a_value_that_nobody_reads_is_dropped_at_once() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let handles = [0, 1].map(|number| table.insert(ledger.value(number)));
        let insert = {
            let ledger = Ledger::new();
            move |table: &Table| {
                let _ = table.insert(ledger.value(2));
                ledger
            }
        };
        let (theirs, (), _idle) = race(&table, insert, || {
            table.remove(handles[0]).unwrap();
            assert_eq!(ledger.alive(), 1, "by `remove`");
            assert_eq!(table.remove_now(handles[1]), Ok(true));
            assert_eq!(ledger.alive(), 0, "by `remove_now`");
        });
        assert_eq!(theirs.alive(), 1);
        theirs.close(table);
    });
}

/// Edge "turn". Fails if the first of two readers that let go drops the value while the other one
/// reads it, or if each leaves it to the other.
#[test]
fn the_last_of_two_readers_drops_a_value() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let handle = table.insert(ledger.value(1));
        let read = move |table: &Table| read(table, handle, 1);
        let _idle = race(&table, read, || race(&table, read, || table.remove(handle).unwrap()));
        assert_settled(&table, &ledger, 0);
        ledger.close(table);
    });
}

/// Edge "turn". Fails if a delete doesn't see that its own thread reads: a callback that deletes
/// itself loses its value under its feet. Also fails if the thread's turn doesn't look for other
/// readers.
#[test]
fn a_callback_that_deletes_itself_keeps_its_value() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let handle = table.insert(ledger.value(1));
        let _idle = race(
            &table,
            move |table| read(table, handle, 1),
            || {
                let value = table.get(handle).unwrap();
                assert_eq!(table.remove_now(handle), Ok(false));
                assert_eq!(value.number(), 1);
            },
        );
        assert_settled(&table, &ledger, 0);
        ledger.close(table);
    });
}

/// Edge "pin". Fails if `HandleTable::remove_ref` pins after it deletes: the value is dropped
/// before the caller has read it. Also fails if nobody drops it then.
#[test]
fn remove_ref_keeps_its_value() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let handle = table.insert(ledger.value(1));
        let last_look = move |table: &Table| match table.remove_ref(handle) {
            Ok(value) => assert_eq!(value.number(), 1),
            error => assert!(is_deleted(&error)),
        };
        let _idle = race(&table, last_look, || read(&table, handle, 1));
        assert_settled(&table, &ledger, 0);
        ledger.close(table);
    });
}

/// A value that deletes another one in its drop.
struct Parent {
    value: Tracked,
    child: Option<(Weak<HandleTable<Parent>>, Handle<Parent>)>,
}

impl Drop for Parent {
    fn drop(&mut self) {
        if let Some((table, child)) = self.child.take() {
            let table = table.upgrade().unwrap();
            table.remove(child).unwrap();
            assert_eq!(self.value.number(), 1, "dropped inside of its child's drop");
        }
    }
}

/// Edge "turn". Fails if what a `Drop` deletes is forgotten, or dropped although it is read.
#[test]
fn a_delete_in_a_drop_takes_effect_after_it() {
    check(|| {
        let ledger = Ledger::new();
        let table = table_of(4);
        let child = table.insert(Parent { value: ledger.value(2), child: None });
        let parent =
            Parent { value: ledger.value(1), child: Some((Arc::downgrade(&table), child)) };
        let parent = table.insert(parent);
        let read = move |table: &Arc<HandleTable<Parent>>| {
            if let Ok(value) = table.get(child) {
                assert_eq!(value.value.number(), 2);
            }
        };
        let _idle = race(&table, read, || table.remove(parent).unwrap());
        assert_eq!((table.stats().pending, ledger.alive()), (0, 0));
    });
}

/// Edges "turn" and "left". Fails if a pass drops a value that is read, or if what it has retired
/// together is not all dropped: by the pass, or by the reader.
#[test]
fn what_a_pass_deletes_is_dropped_by_its_last_reader() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let handles = [0, 1, 2].map(|number| table.insert(ledger.value(number)));
        let _idle = race(
            &table,
            move |table| read(table, handles[0], 0),
            || assert_eq!(table.retain(|_, value| value.number() == 2), 2),
        );
        assert_settled(&table, &ledger, 1);
        ledger.close(table);
    });
}

/// Edge "delete", for `AtomicState::try_claim`. Fails if the drop of a table, or the reader that a
/// retired value waits for, doesn't look whether the other one has the value: it is dropped twice.
#[test]
fn a_dropped_table_and_a_reader_of_another_drop_a_value_once() {
    // With yields, few preemptions lead into the middle of the reader's drop.
    for yields in [0, 1] {
        check(move || {
            let (table, other, ledger) = (table(4), table(4), Ledger::new());
            let handle = table.insert(ledger.value(1));
            let kept = other.insert(ledger.value(2));
            let let_others_run = move || (0..yields).for_each(|_| thread::yield_now());
            let read = move |other: &Table| {
                let value = other.get(kept).unwrap();
                let_others_run();
                assert_eq!(value.number(), 2);
            };
            let _idle = race(&other, read, || {
                let_others_run();
                table.remove(handle).unwrap();
                let_others_run();
                drop(table);
            });
            assert_eq!(ledger.alive(), 1);
            ledger.close(other);
        });
    }
}

/// Edges "collector" and "left". Fails if `get_in_signal` looks before it counts its look-up: the
/// value is dropped while it is read. Also fails if a value that has waited for it is not dropped
/// by the next call: a delete, `flush` or `quiesce`.
#[test]
fn a_look_up_in_a_signal_handler_keeps_its_value() {
    let next_calls: [fn(&Table, Handle<Tracked>); 3] = [
        |table, another| table.remove(another).unwrap(),
        |table, _| assert!(table.flush() <= 1),
        |table, _| table.quiesce().unwrap(),
    ];
    for (nth, next_call) in next_calls.into_iter().enumerate() {
        check(move || {
            let (table, ledger) = (table(4), Ledger::new());
            let handles = [0, 1].map(|number| table.insert(ledger.value(number)));
            let look = move |table: &Table| match table.get_in_signal(handles[0], Tracked::number) {
                Ok(number) => assert_eq!(number, 0),
                error => assert!(is_deleted(&error)),
            };
            let _idle = race(&table, look, || table.remove(handles[0]).unwrap());
            next_call(&table, handles[1]);
            assert_settled(&table, &ledger, usize::from(nth > 0));
            ledger.close(table);
        });
    }
}

/// Edge "collector". Fails if a thread that has found no lease free doesn't count its guards: the
/// value is dropped while it is read. Also fails if nobody drops it when the guard is gone.
#[test]
fn a_reader_without_a_lease_keeps_its_value() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let handle = table.insert(ledger.value(1));
        let _leases = AllLeases::take();
        let _idle =
            race(&table, move |table| read(table, handle, 1), || table.remove(handle).unwrap());
        table.flush();
        assert_settled(&table, &ledger, 0);
        ledger.close(table);
    });
}

/// Edges "pin" and "turn". Fails if a deleter without a lease doesn't look at the records, or takes
/// another thread's guard for its own.
#[test]
fn a_deleter_without_a_lease_waits_for_readers() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let handle = table.insert(ledger.value(1));
        let _leases = AllLeases::take();
        let delete = move |table: &Table| table.remove(handle).unwrap();
        let _idle = race(&table, delete, || read(&table, handle, 1));
        assert_settled(&table, &ledger, 0);
        ledger.close(table);
    });
}
