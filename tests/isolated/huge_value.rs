//! A value that is larger than a thread's stack is dropped where it lies. Alone in its process,
//! which a stack overflow would end.
#![cfg(not(loom))]

#[path = "../common/census.rs"]
mod census;

use std::thread;

use handle_table::HandleTable;

use census::{Census, Witness};

type Huge = (Witness, [u8; 1 << 20]);

/// Runs `f` on a thread with a stack of this size.
fn on_stack_of(bytes: usize, f: impl FnOnce() + Send) {
    thread::scope(|scope| {
        let builder = thread::Builder::new().stack_size(bytes);
        builder.spawn_scoped(scope, f).unwrap().join().unwrap();
    });
}

#[test]
fn a_huge_value_is_dropped_on_a_small_stack() {
    static CENSUS: Census = Census::new();
    let ways: [fn(&HandleTable<Huge>); 4] = [
        |table| assert!(table.flush() <= 1),
        |table| table.quiesce().unwrap(),
        |table| {
            let live = table.pin().iter().next().map(|(h, v)| (h, v.0.look()));
            let (handle, number) = live.unwrap();
            assert_eq!(number, 1, "the value that is not deleted yet");
            table.remove_now(handle).unwrap();
        },
        // The table's own drop.
        |_| {},
    ];
    for drop_it in ways {
        let table = HandleTable::new();
        on_stack_of(64 << 20, || {
            let handles = [0, 1].map(|n| table.insert((CENSUS.witness(n), [7; 1 << 20])));
            table.remove(handles[0]).unwrap();
        });
        on_stack_of(512 << 10, || {
            drop_it(&table);
            drop(table);
        });
        CENSUS.assert_all_dropped_once();
    }
}
