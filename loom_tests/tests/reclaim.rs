//! Values and their end: batches against readers.
#![cfg(loom)]

use std::sync::{Arc, Weak};

use handle_table::HandleTable;
use loom::thread;
use loom_tests::{
    check, first_is_ready, is_deleted, other_table, pass_grace, race, same_slot, table, Ledger,
    Table, Tracked,
};

/// "grace": a batch is dropped while a reader from before its retirement still looks.
#[test]
fn a_batch_is_dropped_under_a_pinned_reader() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let handles = [0, 1].map(|number| table.insert(ledger.value(number)));
        let read = move |table: &Table| {
            let pinned = table.pin();
            for number in [0, 1] {
                match pinned.get(handles[number]) {
                    Ok(value) => assert_eq!(value.number(), number),
                    error => assert!(is_deleted(&error)),
                }
            }
        };
        // Each is a batch, and helps the one before it on.
        let _idle = race(&table, read, || {
            handles.map(|handle| table.remove(handle).unwrap())
        });
        ledger.close(table);
    });
}

/// "grace": the reader's own thread ends a grace period, an earlier one, and the value is dropped by one who takes it
/// for its own.
#[test]
fn a_batch_that_the_reader_ends_is_dropped_before_its_read() {
    check(|| {
        let (table, ledger, handles, other) = first_is_ready::<2>();
        // One batch is ready: whoever comes next looks for more.
        let read = move |table: &Table| {
            if let Ok(value) = table.get(handles[1]) {
                thread::yield_now();
                assert_eq!(value.number(), 1);
            }
            pass_grace(&other);
        };
        let _idle = race(&table, read, || {
            thread::yield_now();
            table.remove(handles[1]).unwrap();
        });
        ledger.close(table);
    });
}

/// `Core::seal` with a ticket from before it takes the pile: a slot that another thread has deleted since is
/// dropped under that thread, which came after the grace period's beginning.
#[test]
fn a_batch_has_a_ticket_from_before_its_deletes() {
    check(|| {
        let (table, ledger) = (table(1), Ledger::new());
        let handles = [0, 1].map(|number| table.insert(ledger.value(number)));
        let other = other_table();
        let read = move |table: &Table| {
            // In one go: a grace period begins.
            loom::stop_exploring();
            drop(table.pin());
            other.remove(other.insert(0)).unwrap();
            loom::explore();
            let pinned = table.pin();
            let value = pinned.get(handles[1]).unwrap();
            table.remove(handles[1]).unwrap();
            assert_eq!(value.number(), 1);
        };
        let _idle = race(&table, read, || table.remove(handles[0]).unwrap());
        ledger.close(table);
    });
}

/// `Pinned::repin`: the value that is found after it is dropped under it.
#[test]
fn a_value_is_dropped_after_the_reader_pins_anew() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let handles = [0, 1].map(|number| table.insert(ledger.value(number)));
        let read = move |table: &Table| {
            drop(table.pin());
            let mut pinned = table.pin();
            thread::yield_now();
            pinned.repin();
            match pinned.get(handles[0]) {
                Ok(value) => assert_eq!(value.number(), 0),
                error => assert!(is_deleted(&error)),
            }
        };
        let _idle = race(&table, read, || {
            for handle in handles {
                thread::yield_now();
                table.remove(handle).unwrap();
            }
        });
        ledger.close(table);
    });
}

/// The fence of `repin`, weaker than SeqCst: the reader, who has just helped the epoch on, sees the
/// state from before a deletion that was sealed in the epoch before.
#[test]
fn a_value_is_dropped_under_a_reader_who_has_moved_the_epoch() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let handles = [0, 1].map(|number| table.insert(ledger.value(number)));
        let read = move |table: &Table| {
            // A thread's first pin helps the epoch on.
            let mut pinned = table.pin();
            pinned.repin();
            match pinned.get(handles[0]) {
                Ok(value) => {
                    thread::yield_now();
                    assert_eq!(value.number(), 0);
                }
                error => assert!(is_deleted(&error)),
            }
        };
        let _idle = race(&table, read, || {
            handles.map(|handle| table.remove(handle).unwrap())
        });
        ledger.close(table);
    });
}

/// `Core::doom` with a ticket from before its look at the slots: it finds one that was deleted later, whose
/// reader came after the grace period's beginning.
#[test]
fn a_walker_has_a_ticket_from_before_its_look() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let handle = table.insert(ledger.value(1));
        let other = other_table();
        let look = move |table: &Table| {
            // In one go: a grace period begins.
            loom::stop_exploring();
            drop(table.pin());
            other.remove(other.insert(0)).unwrap();
            loom::explore();
            assert_eq!(table.remove_ref(handle).unwrap().number(), 1);
        };
        let _idle = race(&table, look, || table.flush());
        ledger.close(table);
    });
}

/// `HandleTable::remove_ref` pinned after its delete: its own thread, or a walker, drops the value before the look.
#[test]
fn a_value_is_dropped_before_the_last_look_at_it() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let handle = table.insert(ledger.value(1));
        let look = move |table: &Table| {
            drop(table.pin());
            assert_eq!(table.remove_ref(handle).unwrap().number(), 1);
        };
        let _idle = race(&table, look, || table.flush());
        ledger.close(table);
    });
}

/// The drop before the return of a slot, in `Core::reclaim`: a value whose drop inserts another
/// finds its own slot free, and is overwritten in the middle of its drop.
#[test]
fn a_value_is_overwritten_by_what_its_drop_inserts() {
    struct Parent {
        value: Tracked,
        table: Weak<HandleTable<Parent>>,
        ledger: Ledger,
    }
    impl Drop for Parent {
        fn drop(&mut self) {
            if let Some(table) = self.table.upgrade() {
                let (value, table_of_none) = (self.ledger.value(2), Weak::new());
                let ledger = self.ledger.clone();
                table.insert(Parent {
                    value,
                    table: table_of_none,
                    ledger,
                });
                assert_eq!(self.value.number(), 1, "overwritten");
            }
        }
    }
    check(|| {
        let ledger = Ledger::new();
        let table = Arc::new(HandleTable::builder().shards(4).build());
        drop(table.pin());
        let parent = || Parent {
            value: ledger.value(1),
            table: Arc::downgrade(&table),
            ledger: ledger.clone(),
        };
        let handles = [parent(), parent()].map(|parent| table.insert(parent));
        for handle in handles {
            table.remove(handle).unwrap();
        }
        table.quiesce().unwrap();
        // Those that `quiesce` did not find in limbo went with their batches.
        assert_eq!(ledger.alive(), 2, "their children");
        drop(table);
        assert_eq!(ledger.alive(), 0);
    });
}

/// `Core::next_live` without a pin: what an iteration yields is dropped; or one that is live all
/// along is missed.
#[test]
fn an_iteration_sees_a_dropped_value_or_misses_a_live_one() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let doomed = table.insert(ledger.value(1));
        let kept = table.insert(ledger.value(2));
        let spare = table.insert(ledger.value(3));
        let read = move |table: &Table| {
            let mut seen = Vec::new();
            for (handle, value) in &table.pin() {
                seen.push((handle, value.number()));
            }
            let of = |wanted| seen.iter().filter(|&&seen| seen == wanted).count();
            assert_eq!(of((kept, 2)), 1);
            assert_eq!(of((doomed, 1)) + of((spare, 3)) + 1, seen.len());
        };
        let _idle = race(&table, read, || {
            table.remove(doomed).unwrap();
            table.remove(spare).unwrap();
        });
        ledger.close(table);
    });
}

/// `Slot::vacate` at the last generation: a slot that is used up is issued again, or readers of
/// its last value meet something else.
#[test]
fn a_slot_is_issued_again_after_its_last_generation() {
    check(|| {
        let (table, ledger) = (table(1), Ledger::new());
        let mut handles = vec![table.insert(ledger.value(0))];
        for number in 1..=5 {
            table.remove(handles[number - 1]).unwrap();
            table.flush();
            handles.push(table.insert(ledger.value(number)));
            assert!(same_slot(handles[0], handles[number]));
        }
        let last = handles[5];
        let delete = move |table: &Table| table.remove(last).is_ok();
        let (there, here, _idle) = race(&table, delete, || {
            let here = table.remove(last).is_ok();
            let next = table.insert(ledger.value(6));
            assert!(!same_slot(last, next));
            here
        });
        assert!(here != there);
        table.quiesce().unwrap();
        // Takes up the batch, which the walk has left where it was.
        table.flush();
        assert_eq!(table.stats().exhausted, 1);
        assert!(handles.iter().all(|&handle| is_deleted(&table.get(handle))));
        let after = table.insert(ledger.value(7));
        assert!(!same_slot(after, last));
        ledger.close(table);
    });
}
