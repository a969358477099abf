//! Slots on their way back: free lists, remote frees, the piles of deleted slots.
#![cfg(loom)]

use std::sync::Arc;

use handle_table::Handle;
use loom::thread;
use loom_tests::{
    check, is_deleted, other_table, pass_grace, race, same_slot, table, Ledger, Table,
};

/// A table of one shared shard whose vacant stack holds this many slots, used once.
fn with_vacant(slots: usize, ledger: &Ledger) -> Table {
    let table = table(1);
    let handles: Vec<Handle> = (0..slots).map(|_| table.insert(ledger.value(0))).collect();
    for handle in handles {
        table.remove(handle).unwrap();
    }
    table.flush();
    assert_eq!(table.stats().vacant, slots);
    table
}

/// The compare-exchange of `Shard::carve`: two threads take the same fresh slot.
#[test]
fn two_inserts_share_a_fresh_slot() {
    check(|| {
        let (table, ledger) = (table(1), Ledger::new());
        table.insert(ledger.value(0));
        let insert = {
            let ledger = ledger.clone();
            move |table: &Table| table.insert(ledger.value(1))
        };
        let (there, here, _idle) = race(&table, insert, || table.insert(ledger.value(2)));
        assert!(!same_slot(here, there));
        assert_eq!(table.get(there).unwrap().number(), 1);
        assert_eq!(table.get(here).unwrap().number(), 2);
        assert_eq!(table.len(), 3, "and both are counted");
        ledger.close(table);
    });
}

/// `VacantStack::pop` without its compare-exchange: two threads take the same returned slot.
#[test]
fn two_inserts_share_a_returned_slot() {
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

/// The generation in `Top`: a slot is popped, used, pushed again, and the one below it is gone.
#[test]
fn a_top_that_came_back_hands_out_a_slot_in_use() {
    check(|| {
        let ledger = Ledger::new();
        // Two vacant slots, and a third in use.
        let table = table(1);
        let spare = {
            let taken = [0, 0].map(|number| table.insert(ledger.value(number)));
            let spare = table.insert(ledger.value(0));
            for handle in taken {
                table.remove(handle).unwrap();
            }
            table.flush();
            spare
        };
        let there = ledger.clone();
        let insert = move |table: &Table| [1, 2].map(|number| table.insert(there.value(number)));
        let ([third, fourth], second, _idle) = race(&table, insert, || {
            thread::yield_now();
            let first = table.insert(ledger.value(3));
            let second = table.insert(ledger.value(4));
            table.remove(first).unwrap();
            // If nobody is pinned, this returns the slot of the first.
            table.remove(spare).unwrap();
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

/// "recycle" on the vacant stack: Release of `VacantStack::push`, Acquire of `pop`. Without them
/// the taker sees an old link of the slot on top, one that its pusher has corrected since.
#[test]
fn a_slot_is_taken_while_it_is_returned() {
    check(|| {
        let (table, ledger, other) = (table(1), Ledger::new(), other_table());
        let handles = [0, 1, 2, 3].map(|number| table.insert(ledger.value(number)));
        let [below, bottom, first, last] = handles;
        table.remove(below).unwrap();
        table.remove(bottom).unwrap();
        table.flush();
        table.remove(first).unwrap();
        pass_grace(&other);
        // Two slots are on the stack; one is in a batch that is ready, and comes on top of it.
        let delete = move |table: &Table| table.remove(last).unwrap();
        let ((), issued, _idle) = race(&table, delete, || {
            thread::yield_now();
            [4, 5, 6].map(|number| table.insert(ledger.value(number)))
        });
        for (nth, handle) in issued.into_iter().enumerate() {
            assert_eq!(table.get(handle).unwrap().number(), nth + 4);
            assert!(issued[..nth]
                .iter()
                .all(|&before| !same_slot(before, handle)));
        }
        ledger.close(table);
    });
}

/// "recycle" from afar: the owner of a shard takes slots that another thread returns to it,
/// `VacantStack::take` without its swap or its Acquire.
#[test]
fn an_owner_inserts_while_others_return_its_slots() {
    check(|| {
        let (table, ledger, other) = (table(4), Ledger::new(), other_table());
        let first = table.insert(ledger.value(1));
        let second = table.insert(ledger.value(0));
        let delete = move |table: &Table| {
            table.remove(first).unwrap();
            pass_grace(&other);
            table.remove(second).unwrap();
        };
        let ((), [third, fourth, fifth], _idle) = race(&table, delete, || {
            [3, 4, 5].map(|number| table.insert(ledger.value(number)))
        });
        assert!(!same_slot(third, fourth) && !same_slot(fourth, fifth) && !same_slot(third, fifth));
        assert!(is_deleted(&table.get(first)));
        for (handle, number) in [(third, 3), (fourth, 4), (fifth, 5)] {
            assert_eq!(table.get(handle).unwrap().number(), number);
        }
        ledger.close(table);
    });
}

/// `Core::take_quota` as a load and a store: two inserts take the last place.
#[test]
fn a_limit_is_passed() {
    check(|| {
        let ledger = Ledger::new();
        let table: Table = Arc::new(
            handle_table::HandleTable::builder()
                .shards(1)
                .max_handles(2)
                .build(),
        );
        table.insert(ledger.value(0));
        let insert = {
            let ledger = ledger.clone();
            move |table: &Table| table.try_insert(ledger.value(1)).is_ok()
        };
        let (there, here, _idle) =
            race(&table, insert, || table.try_insert(ledger.value(2)).is_ok());
        assert!(here != there, "one and only one fits");
        assert_eq!(table.len(), 2);
        ledger.close(table);
    });
}

/// `Core::release_quota` as a load and a store: of two places that are given back one is lost.
#[test]
fn a_place_under_the_limit_is_lost() {
    check(|| {
        let ledger = Ledger::new();
        let table: Table = Arc::new(
            handle_table::HandleTable::builder()
                .shards(1)
                .max_handles(2)
                .build(),
        );
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

/// "recycle" of the pile: two threads push deleted slots while each takes the pile to retire it.
/// `LimboPile::push` or `take` without Release, Acquire or swap: a slot is lost or retired twice.
#[test]
fn two_deletes_lose_a_slot_of_the_pile() {
    check(|| {
        let (table, ledger) = (table(1), Ledger::new());
        let handles = [0, 1, 2].map(|number| table.insert(ledger.value(number)));
        let delete = move |table: &Table| table.remove(handles[0]).unwrap();
        let _idle = race(&table, delete, || {
            thread::yield_now();
            table.remove(handles[1]).unwrap();
            // If nobody is pinned, this drops what the one before retired.
            table.remove(handles[2]).unwrap();
        });
        // All are on their way: they come back to be dropped and issued again.
        table.quiesce().unwrap();
        assert_eq!(ledger.alive(), 0);
        table.flush();
        let again = [3, 4, 5].map(|number| table.insert(ledger.value(number)));
        for handle in again {
            assert!(
                handles.iter().any(|&before| same_slot(before, handle)),
                "a slot was lost"
            );
        }
        assert!(!same_slot(again[0], again[1]) && !same_slot(again[1], again[2]));
        assert!(!same_slot(again[0], again[2]));
        ledger.close(table);
    });
}
