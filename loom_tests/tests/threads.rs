//! Threads that begin and end: leases, and the values that ended threads have deleted.
#![cfg(loom)]

use std::sync::Arc;

use loom::thread;
use loom_tests::{check, join, same_slot, table_of_batches, unused_table, Ledger};

/// Edge "lease". Fails if `Leases::release` loses its Release or `Leases::claim` its Acquire: the
/// next owner of a shard uses the shard's non-atomic parts without happening after the last owner.
///
/// `parts::a_lease_has_one_owner_at_a_time` proves the algorithm, this model the wiring: that a
/// thread releases its lease after its last use of a shard.
#[test]
fn a_lease_is_handed_on_after_its_owner_is_done() {
    check(|| {
        // A table of two shards has one owner. The main thread has not used a table yet. It claims
        // the other thread's lease if that thread has ended by then.
        let (table, ledger) = (unused_table(2), Ledger::new());
        let first = thread::spawn({
            let (table, ledger) = (Arc::clone(&table), ledger.clone());
            move || table.insert(ledger.value(1))
        });
        let second = table.insert(ledger.value(2));
        let first = join(first);
        assert!(!same_slot(first, second));
        ledger.close(table);
    });
}

/// Fails if the drop of a table forgets values in limbo: what an ended thread has collected in a
/// batch is leaked with the table.
#[test]
fn values_of_ended_threads_are_dropped_with_the_table() {
    check(|| {
        let (table, ledger) = (table_of_batches(), Ledger::new());
        let ended = thread::spawn({
            let (table, ledger) = (Arc::clone(&table), ledger.clone());
            move || {
                let _ = table.insert(ledger.value(1));
                let handle = table.insert(ledger.value(2));
                table.remove(handle).unwrap();
            }
        });
        join(ended);
        assert_eq!((table.len(), table.stats().pending), (1, 1));
        ledger.close(table);
    });
}
