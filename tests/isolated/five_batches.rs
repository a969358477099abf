//! How long a deleted value waits while no thread reads. Alone in its process, since a thread of
//! another test that is preempted in the middle of a call, or at its end, counts as a reader.
#![cfg(not(loom))]

#[path = "../common/census.rs"]
#[allow(dead_code)] // this test needs two of its methods
mod census;
#[path = "../common/kinds.rs"]
mod kinds;

use handle_table::HandleTable;

use census::{Census, Witness};
use kinds::table_kinds;

/// Inserts and deletes `n` values.
fn insert_and_remove(table: &HandleTable<Witness>, census: &'static Census, n: usize) {
    for n in 0..n {
        table.remove(table.insert(census.witness(n))).unwrap();
    }
}

#[test]
fn a_value_is_dropped_within_five_batches_of_deletes() {
    static OTHERS: Census = Census::new();
    static CENSUS: Census = Census::new();
    for table in table_kinds() {
        for _ in 0..20 {
            insert_and_remove(&table, &CENSUS, 1);
            insert_and_remove(&table, &OTHERS, 5 * 256);
            assert_eq!(CENSUS.left(), 0, "a value waited for more than five batches");
        }
    }
    OTHERS.assert_all_dropped_once();
    CENSUS.assert_all_dropped_once();
}
