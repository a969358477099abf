//! How values are dropped: batches against readers.
#![cfg(loom)]

use std::sync::{Arc, Weak};

use handle_table::HandleTable;
use loom::thread;
use loom_tests::{
    check, end_grace_periods, first_is_ready, is_deleted, other_table, race, same_slot, table,
    Ledger, Table, Tracked,
};

/// Edge "grace". Fails if `HandleTable::pin` doesn't pin, or if `SealedBatches::take` ignores
/// tickets: a batch is dropped while a reader that was pinned before still reads.
#[test]
fn a_batch_waits_for_a_pinned_reader() {
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
        // Each delete seals a batch and tries to advance the epoch, for the batch before it.
        let _idle = race(&table, read, || handles.map(|handle| table.remove(handle).unwrap()));
        ledger.close(table);
    });
}

/// Edge "grace". Fails if `Ticket::take` is for the grace period that is under way, or if
/// `SealedBatches::take` ignores tickets: the reading thread itself ends a grace period that began
/// too early, and a thread that takes this for the end of its own drops the value.
#[test]
fn a_reader_that_ends_grace_periods_keeps_its_value() {
    check(|| {
        let (table, ledger, handles, other) = first_is_ready::<2>();
        // One batch is ready: the next delete looks for more.
        let read = move |table: &Table| {
            if let Ok(value) = table.get(handles[1]) {
                thread::yield_now();
                assert_eq!(value.number(), 1);
            }
            end_grace_periods(&other);
        };
        let _idle = race(&table, read, || {
            thread::yield_now();
            table.remove(handles[1]).unwrap();
        });
        ledger.close(table);
    });
}

/// Edge "grace". Fails if `Inner::seal` takes its ticket before it takes the limbo stack: another
/// thread deletes a slot in between, and goes on reading its value. The grace period began before
/// that thread pinned, and doesn't wait for it.
#[test]
fn a_batch_takes_its_ticket_after_its_deletes() {
    check(|| {
        let (table, ledger) = (table(1), Ledger::new());
        let handles = [0, 1].map(|number| table.insert(ledger.value(number)));
        let other = other_table();
        let read = move |table: &Table| {
            // Without preemption: begins a grace period.
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

/// Edge "grace". Fails if `Guard::repin` has no fence: a value that is found after it is dropped
/// while it is read.
#[test]
fn repin_protects_what_is_found_after_it() {
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

/// Edge "grace". Fails if the fence of `Guard::repin` is weaker than SeqCst: a reader that has just
/// advanced the epoch sees the state from before a delete that was sealed in the previous epoch.
#[test]
fn repin_protects_a_reader_that_has_advanced_the_epoch() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let handles = [0, 1].map(|number| table.insert(ledger.value(number)));
        let read = move |table: &Table| {
            // A thread's first pin tries to advance the epoch.
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
        let _idle = race(&table, read, || handles.map(|handle| table.remove(handle).unwrap()));
        ledger.close(table);
    });
}

/// Edge "grace". Fails if `Inner::limbo_snapshot` takes its ticket before it looks at the slots: it
/// finds a slot that was deleted after that, whose reader has pinned after the grace period began.
#[test]
fn a_sweep_takes_its_ticket_after_its_snapshot() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let handle = table.insert(ledger.value(1));
        let other = other_table();
        let look = move |table: &Table| {
            // Without preemption: begins a grace period.
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

/// Edge "grace". Fails if `HandleTable::remove_ref` pins after it deletes: the calling thread or a
/// sweep drops the value before the caller has read it.
#[test]
fn remove_ref_keeps_its_value() {
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

/// Edge "recycle". Fails if `Inner::reclaim` reuses a batch before its values are dropped: a value
/// whose drop inserts another one finds its own slot vacant, and is overwritten in the middle of
/// its drop.
#[test]
fn a_drop_that_inserts_never_gets_its_own_slot() {
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
                table.insert(Parent { value, table: table_of_none, ledger });
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
        // Values that `quiesce` did not find in limbo were dropped with their batches.
        assert_eq!(ledger.alive(), 2, "their children");
        drop(table);
        assert_eq!(ledger.alive(), 0);
    });
}

/// Edge "grace". Fails if `HandleTable::pin` doesn't pin: an iteration yields a value that is
/// dropped meanwhile. Also fails if `Inner::next_live` misses a value that is live all along.
#[test]
fn an_iteration_yields_all_that_stays_live() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let gone = table.insert(ledger.value(1));
        let kept = table.insert(ledger.value(2));
        let spare = table.insert(ledger.value(3));
        let read = move |table: &Table| {
            let mut seen = Vec::new();
            for (handle, value) in &table.pin() {
                seen.push((handle, value.number()));
            }
            let of = |wanted| seen.iter().filter(|&&seen| seen == wanted).count();
            assert_eq!(of((kept, 2)), 1);
            assert_eq!(of((gone, 1)) + of((spare, 3)) + 1, seen.len());
        };
        let _idle = race(&table, read, || {
            table.remove(gone).unwrap();
            table.remove(spare).unwrap();
        });
        ledger.close(table);
    });
}

/// Fails if `AtomicState::vacate` makes a slot vacant after its last generation: the slot is issued
/// again. Two threads race to delete its last handle, and the slot is exhausted once.
#[test]
fn an_exhausted_slot_is_never_issued_again() {
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
        // Takes the batch, which `quiesce` has left in its shard.
        table.flush();
        assert_eq!(table.stats().exhausted, 1);
        assert!(handles.iter().all(|&handle| is_deleted(&table.get(handle))));
        let after = table.insert(ledger.value(7));
        assert!(!same_slot(after, last));
        ledger.close(table);
    });
}
