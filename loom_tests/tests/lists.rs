//! Slots between two uses: vacant stacks, remote frees, the limbo stack; and the quota.
#![cfg(loom)]

use std::sync::Arc;

use handle_table::{Handle, HandleTable};
use loom::thread;
use loom_tests::{
    check, check_with_fewer, is_deleted, race, same_slot, table, table_of, Ledger, Table,
};

/// A table of one shared shard whose vacant stack holds `slots` slots, each used once.
fn with_vacant(slots: usize, ledger: &Ledger) -> Table {
    let table = table(1);
    let handles: Vec<Handle<_>> = (0..slots).map(|_| table.insert(ledger.value(0))).collect();
    for handle in handles {
        table.remove(handle).unwrap();
    }
    assert_eq!(table.stats().vacant, slots);
    table
}

/// Fails if `Shard::reserve_made` loses its compare-exchange: two threads take one fresh slot.
/// Also fails if the count of issued handles becomes a load and a store.
///
/// `parts::a_fresh_slot_is_reserved_once` proves the algorithm, this model the wiring and the
/// count.
#[test]
fn two_inserts_take_two_fresh_slots() {
    check(|| {
        let (table, ledger) = (table(1), Ledger::new());
        let _ = table.insert(ledger.value(0));
        let insert = {
            let ledger = ledger.clone();
            move |table: &Table| table.insert(ledger.value(1))
        };
        let (there, here, _idle) = race(&table, insert, || table.insert(ledger.value(2)));
        assert!(!same_slot(here, there));
        assert_eq!(table.get(there).unwrap().number(), 1);
        assert_eq!(table.get(here).unwrap().number(), 2);
        assert_eq!(table.len(), 3, "both are counted");
        ledger.close(table);
    });
}

/// Fails if `VacantStack::pop` loses its compare-exchange: two threads take one returned slot.
///
/// `parts::each_pop_takes_a_slot_of_its_own` proves the algorithm, this model the wiring.
#[test]
fn two_inserts_take_two_returned_slots() {
    check(|| {
        let ledger = Ledger::new();
        let table = with_vacant(2, &ledger);
        let insert = {
            let ledger = ledger.clone();
            move |table: &Table| table.insert(ledger.value(1))
        };
        let (there, here, _idle) = race(&table, insert, || table.insert(ledger.value(2)));
        assert!(!same_slot(here, there));
        assert_eq!(table.get(there).unwrap().number(), 1);
        assert_eq!(table.get(here).unwrap().number(), 2);
        ledger.close(table);
    });
}

/// Fails if `TaggedHead` loses its generation: a thread reads the top of the vacant stack and the
/// slot below it. Others pop both, use the top slot and push it again. Then the thread's exchange
/// succeeds, and puts the slot below on top although it is in use.
///
/// `parts::a_pop_fails_if_its_head_was_pushed_anew` proves the algorithm, this model the wiring.
#[test]
fn each_slot_is_issued_once_although_a_head_recurs() {
    check(|| {
        let ledger = Ledger::new();
        let table = with_vacant(2, &ledger);
        let there = ledger.clone();
        let insert = move |table: &Table| [1, 2].map(|number| table.insert(there.value(number)));
        let ([third, fourth], second, _idle) = race(&table, insert, || {
            thread::yield_now();
            let first = table.insert(ledger.value(3));
            let second = table.insert(ledger.value(4));
            table.remove(first).unwrap();
            second
        });
        let live = [(third, 1), (fourth, 2), (second, 4)];
        for (nth, &(handle, number)) in live.iter().enumerate() {
            assert_eq!(table.get(handle).unwrap().number(), number);
            for &(another, _) in &live[..nth] {
                assert!(!same_slot(handle, another), "one slot, two live handles");
            }
        }
        ledger.close(table);
    });
}

/// Edge "recycle" of the vacant stack. Fails if `VacantStack::push` loses its Release or
/// `VacantStack::pop` its Acquire: a thread that takes the slot on top sees a link that the pushing
/// thread has corrected since.
///
/// `parts::a_slot_is_popped_after_its_last_use` proves the algorithm, this model the wiring.
#[test]
fn a_slot_is_issued_after_it_is_returned() {
    check(|| {
        let ledger = Ledger::new();
        let table = table(1);
        let [below, bottom, last] = [0, 1, 2].map(|number| table.insert(ledger.value(number)));
        table.remove(below).unwrap();
        table.remove(bottom).unwrap();
        // Two slots are on the vacant stack. A third will be pushed on top of them.
        let delete = move |table: &Table| table.remove(last).unwrap();
        let ((), issued, _idle) = race(&table, delete, || {
            thread::yield_now();
            [4, 5, 6].map(|number| table.insert(ledger.value(number)))
        });
        for (nth, handle) in issued.into_iter().enumerate() {
            assert_eq!(table.get(handle).unwrap().number(), nth + 4);
            assert!(issued[..nth].iter().all(|&before| !same_slot(before, handle)));
        }
        ledger.close(table);
    });
}

/// Edge "recycle" by remote frees. Fails if `Inner::drop_slot` returns a slot under the generation
/// that it was deleted in, or before its value is dropped: the owner of a shard takes slots while
/// another thread returns them, and issues a handle twice, or overwrites a value.
///
/// `parts::taking_the_vacant_stack_loses_no_slot` proves the algorithm of `VacantStack::take`, this
/// model the wiring and the generation.
#[test]
fn an_owner_issues_each_returned_slot_once() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let first = table.insert(ledger.value(1));
        let second = table.insert(ledger.value(0));
        let delete = move |table: &Table| {
            table.remove(first).unwrap();
            table.remove(second).unwrap();
        };
        let ((), [third, fourth, fifth], _idle) =
            race(&table, delete, || [3, 4, 5].map(|number| table.insert(ledger.value(number))));
        assert!(!same_slot(third, fourth) && !same_slot(fourth, fifth) && !same_slot(third, fifth));
        assert!(is_deleted(&table.get(first)));
        for (handle, number) in [(third, 3), (fourth, 4), (fifth, 5)] {
            assert_eq!(table.get(handle).unwrap().number(), number);
        }
        ledger.close(table);
    });
}

/// Fails if `Inner::take_quota` becomes a load and a store: two inserts both take the last of the
/// quota.
#[test]
fn max_handles_is_never_exceeded() {
    check(|| {
        let ledger = Ledger::new();
        let table: Table =
            Arc::new(handle_table::HandleTable::builder().shards(1).max_handles(2).build());
        let _ = table.insert(ledger.value(0));
        let insert = {
            let ledger = ledger.clone();
            move |table: &Table| table.try_insert(ledger.value(1)).is_ok()
        };
        let (there, here, _idle) =
            race(&table, insert, || table.try_insert(ledger.value(2)).is_ok());
        assert!(here != there, "exactly one fits");
        assert_eq!(table.len(), 2);
        ledger.close(table);
    });
}

/// Fails if `Inner::return_quota` becomes a load and a store: two deletes raise the quota by one
/// only.
#[test]
fn every_delete_gives_its_quota_back() {
    check(|| {
        let ledger = Ledger::new();
        let table: Table =
            Arc::new(handle_table::HandleTable::builder().shards(1).max_handles(2).build());
        let handles = [0, 1].map(|number| table.insert(ledger.value(number)));
        let delete = move |table: &Table| table.remove(handles[0]).unwrap();
        let _idle = race(&table, delete, || table.remove(handles[1]).unwrap());
        for number in [2, 3] {
            assert!(table.try_insert(ledger.value(number)).is_ok());
        }
        assert!(table.try_insert(ledger.value(4)).is_err());
        ledger.close(table);
    });
}

/// Edge "recycle" of the limbo stack, for trivial values. Fails if `LimboStack::unlink` loses its
/// Release, or `LimboStack::take` its swap: two threads push deleted slots while each takes the
/// stack to seal it, and a slot is lost or sealed twice.
///
/// `parts::a_deleted_slot_is_taken_exactly_once` proves the algorithm, this model the wiring.
#[test]
fn two_deletes_seal_each_slot_once() {
    check_with_fewer(1, || {
        let table = table_of::<usize>(1);
        let handles = [0, 1].map(|number| table.insert(number));
        let delete = move |table: &Arc<HandleTable<usize>>| table.remove(handles[0]).unwrap();
        let _idle = race(&table, delete, || table.remove(handles[1]).unwrap());
        // Both slots are sealed. Once they are free, they are issued again.
        table.flush();
        let again = [2, 3].map(|number| table.insert(number));
        for handle in again {
            assert!(handles.iter().any(|&before| same_slot(before, handle)), "a slot was lost");
        }
        assert!(!same_slot(again[0], again[1]));
    });
}
