//! Trivial values: without a destructor, and stored in the slot. Their batches are reused in place,
//! without a step for each value.
#![cfg(loom)]

use std::sync::Arc;

use handle_table::{Handle, HandleTable};
use loom::thread;
use loom_tests::{check, end_grace_periods, is_deleted, other_table, race, same_slot};

/// A table in which this thread owns a shard, because only an owner's slots are reused in place.
/// loom doesn't watch the values themselves, which are numbers, but it watches their memory in the
/// slots.
fn own_table() -> Arc<HandleTable<usize>> {
    let table = HandleTable::builder().shards(2).build();
    drop(table.pin());
    Arc::new(table)
}

/// Edge "grace", for a batch that is reused in place. Fails if the batch skips its grace period: an
/// insert overwrites a value while it is read.
#[test]
fn a_trivial_value_stays_while_it_is_read() {
    check(|| {
        let table = own_table();
        let handle = table.insert(1);
        let read = move |table: &Arc<HandleTable<usize>>| {
            if let Ok(value) = table.get(handle) {
                thread::yield_now();
                assert_eq!(*value, 1);
            }
        };
        let ((), next, _idle) = race(&table, read, || {
            table.remove(handle).unwrap();
            table.insert(2)
        });
        assert_eq!(table.get(next).as_deref(), Ok(&2));
        assert!(is_deleted(&table.get(handle)));
    });
}

/// Fails if a sweep takes trivial values too: it takes a value out of a slot that is reused in
/// place, while an insert writes the next value there. Also fails if `State::vacated` keeps the
/// generation: the slot is issued again under a handle that was deleted.
#[test]
fn a_sweep_leaves_trivial_values_alone() {
    check(|| {
        let (table, other) = (own_table(), other_table());
        let handles = [1, 2].map(|number| table.insert(number));
        table.remove(handles[0]).unwrap();
        end_grace_periods(&other);
        let sweep = |table: &Arc<HandleTable<usize>>| table.flush();
        let ((), next, _idle) = race(&table, sweep, || {
            // The insert reuses the slot of the first handle, or of this one.
            table.remove(handles[1]).unwrap();
            table.insert(3)
        });
        let is_next = |handle: &Handle| same_slot(next, *handle);
        assert!(!cfg!(feature = "sharded") || handles.iter().any(is_next));
        assert_eq!(table.get(next).as_deref(), Ok(&3));
        assert!(handles.iter().all(|handle| is_deleted(&table.get(*handle))));
    });
}
