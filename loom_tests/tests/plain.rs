//! Plain values, of which nothing is done for each when a batch comes back: it comes back whole.
#![cfg(loom)]

use std::sync::Arc;

use handle_table::{Handle, HandleTable};
use loom::thread;
use loom_tests::{check, is_deleted, other_table, pass_grace, race, same_slot};

/// A table in which this thread owns a shard: no one else's slots come back as they are. Its values
/// say who they are; loom does not watch them, but sees who is in their slots' rooms.
fn own_table() -> Arc<HandleTable<usize>> {
    let table = HandleTable::builder().shards(2).build();
    drop(table.pin());
    Arc::new(table)
}

/// "grace", of a batch that comes back whole: a value is overwritten by the next one while its reader
/// still looks.
#[test]
fn a_plain_value_is_overwritten_under_its_reader() {
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

/// A walker that takes plain values, too: one who issues a slot that came back writes to it meanwhile.
#[test]
fn a_walker_takes_a_plain_value_while_the_next_is_put() {
    check(|| {
        let (table, other) = (own_table(), other_table());
        let handles = [1, 2].map(|number| table.insert(number));
        table.remove(handles[0]).unwrap();
        pass_grace(&other);
        let walk = |table: &Arc<HandleTable<usize>>| table.flush();
        let ((), next, _idle) = race(&table, walk, || {
            // The first one's batch comes back, or this one, and is used again.
            table.remove(handles[1]).unwrap();
            table.insert(3)
        });
        let is_next = |handle: &Handle| same_slot(next, *handle);
        assert!(!cfg!(feature = "sharded") || handles.iter().any(is_next));
        assert_eq!(table.get(next).as_deref(), Ok(&3));
        assert!(handles.iter().all(|handle| is_deleted(&table.get(*handle))));
    });
}
