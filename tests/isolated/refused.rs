//! A kernel, or a filter, that offers no barrier: readers fence instead. Alone in its process,
//! which has the filter from the start.
#![cfg(all(target_os = "linux", not(loom)))]
#![allow(unsafe_code)]

#[path = "../common/census.rs"]
mod census;
#[path = "../common/kinds.rs"]
mod kinds;
#[path = "../common/seccomp.rs"]
mod seccomp;
#[path = "../common/storm.rs"]
mod storm;

use std::thread;

use handle_table::HandleTable;

use census::Census;
use kinds::table_kinds;
use seccomp::refuse_membarrier;
use storm::storm;

// One test: the filter must come before the first use of a table.
#[test]
fn without_a_barrier_values_go_with_their_delete_or_their_last_reader() {
    static CENSUS: Census = Census::new();
    if !refuse_membarrier() {
        return;
    }
    let (rounds, turns) = if cfg!(debug_assertions) { (100, 200) } else { (500, 500) };
    for table in table_kinds() {
        let handle = table.insert(CENSUS.witness(0));
        table.remove(handle).unwrap();
        assert_eq!(CENSUS.left(), 0);
        let handle = table.insert(CENSUS.witness(0));
        let held = table.get(handle).unwrap();
        table.remove(handle).unwrap();
        assert_eq!((held.look(), CENSUS.left()), (0, 1));
        drop(held);
        assert_eq!(CENSUS.left(), 0);
        assert_eq!(storm(&table, &CENSUS, rounds, turns), 0, "values waited for a later call");
    }
    // More threads than there are leases.
    let table = HandleTable::new();
    thread::scope(|scope| {
        for _ in 0..1_100 {
            let small = thread::Builder::new().stack_size(128 << 10);
            let run = || {
                let handle = table.insert(CENSUS.witness(7));
                let value = table.get(handle).unwrap();
                table.remove(handle).unwrap();
                assert_eq!(value.look(), 7);
            };
            small.spawn_scoped(scope, run).unwrap();
        }
    });
    assert_eq!(table.stats().pending, 0);
    CENSUS.assert_all_dropped_once();
}
