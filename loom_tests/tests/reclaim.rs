//! Slots from their delete on: who gets them next, and when never again.
#![cfg(loom)]

use std::sync::{Arc, Weak};

use handle_table::HandleTable;
use loom_tests::{check, is_deleted, race, same_slot, table, table_of, Ledger, Table, Tracked};

/// Edge "recycle". Fails if `Inner::drop_slot` frees a slot before its value is dropped: a value
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
                let _ = table.insert(Parent { value, table: table_of_none, ledger });
                assert_eq!(self.value.number(), 1, "overwritten");
            }
        }
    }
    check(|| {
        let ledger = Ledger::new();
        let table = table_of(4);
        let parent = || Parent {
            value: ledger.value(1),
            table: Arc::downgrade(&table),
            ledger: ledger.clone(),
        };
        let handles = [parent(), parent()].map(|parent| table.insert(parent));
        for handle in handles {
            table.remove(handle).unwrap();
        }
        assert_eq!(ledger.alive(), 2, "their children");
        drop(table);
        assert_eq!(ledger.alive(), 0);
    });
}

/// Edge "pin". Fails if `HandleTable::pin` doesn't pin: an iteration yields a value that is dropped
/// meanwhile. Also fails if `Inner::next_live` misses a value that is live all along.
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
        assert_eq!(table.stats().exhausted, 1);
        assert!(handles.iter().all(|&handle| is_deleted(&table.get(handle))));
        let after = table.insert(ledger.value(7));
        assert!(!same_slot(after, last));
        ledger.close(table);
    });
}
