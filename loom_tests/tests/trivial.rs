//! Trivial values: without a destructor, and stored in the slot. They wait in batches with tickets,
//! and their slots are reused in place, without a step for each value.
#![cfg(loom)]

use std::sync::{
    atomic::{AtomicBool, Ordering::Relaxed},
    Arc,
};

use handle_table::{Handle, HandleTable};
use loom::thread;
use loom_tests::{
    check, check_with_fewer, end_grace_periods, is_deleted, other_table, race, same_slot, table_of,
    Mark,
};

/// loom doesn't watch the values themselves, which are numbers, but it watches their memory in the
/// slots.
type Numbers = Arc<HandleTable<usize>>;

/// A table in which this thread owns a shard, because only an owner's slots are reused in place.
fn own_table() -> Numbers {
    table_of(2)
}

/// Looks a value up, and reads it if it is not deleted yet.
fn read(table: &Numbers, handle: Handle<usize>, number: usize) {
    match table.get(handle) {
        Ok(value) => {
            thread::yield_now();
            assert_eq!(*value, number);
        }
        error => assert!(is_deleted(&error)),
    }
}

/// Edge "grace", for a batch that is reused in place. Fails if the batch skips its grace period, or
/// if `SealedBatches::take` ignores tickets: an insert overwrites a value while it is read.
#[test]
fn a_trivial_value_stays_while_it_is_read() {
    check(|| {
        let table = own_table();
        let handle = table.insert(1);
        let ((), next, _idle) = race(
            &table,
            move |table| read(table, handle, 1),
            || {
                table.remove(handle).unwrap();
                table.insert(2)
            },
        );
        assert_eq!(table.get(next).as_deref(), Ok(&2));
        assert!(is_deleted(&table.get(handle)));
    });
}

/// Edge "pin". Fails if `HandleTable::pin` doesn't pin: an insert overwrites a value while it is
/// read.
#[test]
fn a_batch_waits_for_a_pinned_reader() {
    check(|| {
        let table = own_table();
        let handle = table.insert(1);
        let read = move |table: &Numbers| {
            let pinned = table.pin();
            if let Ok(value) = pinned.get(handle) {
                thread::yield_now();
                assert_eq!(*value, 1);
            }
        };
        let _idle = race(&table, read, || {
            table.remove(handle).unwrap();
            table.insert(2)
        });
    });
}

/// Edge "pin". Fails if `Guard::repin` has no barrier: a value that is found after it is
/// overwritten while it is read.
#[test]
fn repin_protects_what_is_found_after_it() {
    check(|| {
        let table = own_table();
        let handle = table.insert(1);
        let read = move |table: &Numbers| {
            let mut pinned = table.pin();
            pinned.repin();
            if let Ok(value) = pinned.get(handle) {
                thread::yield_now();
                assert_eq!(*value, 1);
            }
        };
        let _idle = race(&table, read, || {
            table.remove(handle).unwrap();
            table.insert(2)
        });
    });
}

/// Edge "grace". Fails if `Inner::seal` takes its ticket before it takes the limbo stack: in
/// between, another thread begins the ticket's era, pins in it, and deletes a slot whose value it
/// goes on reading. The ticket doesn't wait for that thread.
#[test]
fn a_batch_takes_its_ticket_after_its_deletes() {
    check(|| {
        let (table, other) = (table_of::<usize>(1), other_table());
        let handles = [0, 1].map(|number| table.insert(number));
        let read = move |table: &Numbers| {
            // Without preemption: begins an era.
            loom::stop_exploring();
            end_grace_periods(&other);
            loom::explore();
            let value = table.remove_ref(handles[1]).unwrap();
            // What this thread does from here on makes no difference.
            loom::skip_branch();
            assert_eq!(*value, 1);
        };
        let _idle = race(&table, read, || {
            table.remove(handles[0]).unwrap();
            // The slots are free by now, or stay in use.
            loom::skip_branch();
            [2, 3].map(|number| table.insert(number))
        });
    });
}

/// Edge "recycle". Fails if `flush` takes a batch that its owner is about to reuse, or frees a slot
/// of it under the generation that was deleted (`State::vacated`): a slot is issued twice, or again
/// under a handle that was deleted.
#[test]
fn flush_and_an_owner_free_each_slot_once() {
    check_with_fewer(1, || {
        let (table, other) = (own_table(), other_table());
        let handles = [1, 2].map(|number| table.insert(number));
        table.remove(handles[0]).unwrap();
        end_grace_periods(&other);
        let flush = |table: &Numbers| {
            table.flush();
        };
        let ((), next, _idle) = race(&table, flush, || {
            table.remove(handles[1]).unwrap();
            // They reuse the slots of both handles, or of one.
            [3, 4].map(|number| table.insert(number))
        });
        assert!(!same_slot(next[0], next[1]));
        for (handle, number) in next.into_iter().zip([3, 4]) {
            assert_eq!(table.get(handle).as_deref(), Ok(&number));
        }
        assert!(handles.iter().all(|handle| is_deleted(&table.get(*handle))));
    });
}

/// Edge "recycle" by remote frees. Fails if `Inner::free_batch` returns a slot under the generation
/// that it was deleted in: its owner issues a handle twice.
#[test]
fn an_owner_issues_each_freed_slot_once() {
    check(|| {
        let table = own_table();
        let handles = [1, 2].map(|number| table.insert(number));
        let delete = move |table: &Numbers| table.remove(handles[0]).unwrap();
        let ((), next, _idle) = race(&table, delete, || [3, 4].map(|number| table.insert(number)));
        assert!(!same_slot(next[0], next[1]));
        assert!(is_deleted(&table.get(handles[0])));
        for (handle, number) in [(handles[1], 2), (next[0], 3), (next[1], 4)] {
            assert_eq!(table.get(handle).as_deref(), Ok(&number));
        }
    });
}

/// Edge "grace". Fails if `quiesce` doesn't wait for its ticket: it returns while a value that was
/// deleted before is still read.
#[test]
fn quiesce_waits_for_a_reader_of_a_trivial_value() {
    check(|| {
        let (table, mark) = (own_table(), Mark::new());
        let handle = table.insert(1);
        // Not loom's: it says what came first in this execution, and orders nothing.
        let found = Arc::new(AtomicBool::new(false));
        let read = {
            let (mark, found) = (Arc::clone(&mark), Arc::clone(&found));
            move |table: &Numbers| {
                if let Ok(value) = table.get(handle) {
                    found.store(true, Relaxed);
                    mark.set();
                    drop(value);
                }
            }
        };
        let _idle = race(&table, read, || {
            table.remove(handle).unwrap();
            table.quiesce().unwrap();
            if found.load(Relaxed) {
                mark.assert_set();
            }
        });
    });
}
