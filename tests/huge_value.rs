//! A value that is larger than a thread's stack is dropped where it lies. Alone in its process, which
//! would not survive an overflow.
#![cfg(not(loom))]

mod common;

use std::thread;

use common::{Census, Witness};
use handle_table::HandleTable;

type Huge = (Witness, [u8; 1 << 20]);

/// Runs `f` on a thread with that much stack.
fn on_stack_of(bytes: usize, f: impl FnOnce() + Send) {
    thread::scope(|scope| {
        let builder = thread::Builder::new().stack_size(bytes);
        builder.spawn_scoped(scope, f).unwrap().join().unwrap();
    });
}

#[test]
fn dropping_a_huge_value_overflows_a_small_stack() {
    static CENSUS: Census = Census::new();
    let ways: [fn(&HandleTable<Huge>); 4] = [
        |table| table.flush(),
        |table| table.quiesce().unwrap(),
        |table| {
            let (handle, _) = table
                .pin()
                .iter()
                .next()
                .map(|(h, v)| (h, v.0.look()))
                .unwrap();
            table.remove_now(handle).unwrap();
        },
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
