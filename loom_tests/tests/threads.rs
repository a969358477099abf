//! Threads that begin and end: leases, and what the ended leave behind.
#![cfg(loom)]

use std::sync::Arc;

use loom::thread;
use loom_tests::{check, join, same_slot, table, unused_table, Ledger};

/// "lease": `Leases::release` without Release or `claim` without Acquire, and the next owner of a
/// shard uses its plain parts before the last one has let go of them.
#[test]
fn a_lease_is_handed_on_before_its_owner_is_done() {
    check(|| {
        // One owner: this thread has not used a table yet, and takes the other's lease if that has
        // ended by then.
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

/// What an ended thread left in its shard, deleted slots and empty nodes, is lost, or leaked when
/// the table is dropped.
#[test]
fn ended_threads_leave_values_behind() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let ended = thread::spawn({
            let (table, ledger) = (Arc::clone(&table), ledger.clone());
            move || {
                table.insert(ledger.value(1));
                let handle = table.insert(ledger.value(2));
                table.remove(handle).unwrap();
            }
        });
        join(ended);
        assert_eq!(table.len(), 1);
        assert_eq!(ledger.alive(), 1 + table.stats().pending);
        ledger.close(table);
    });
}

/// A thread that ends, and the table that is dropped meanwhile, with a grace period still under way: its
/// batches are lost, or come to a table that is gone.
#[test]
fn a_table_goes_before_its_batches_come() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let handle = table.insert(ledger.value(1));
        let other = loom_tests::other_table();
        let bystander = thread::spawn({
            let other = Arc::clone(&other);
            move || loom_tests::pass_grace(&other)
        });
        table.remove(handle).unwrap();
        ledger.close(table);
        join(bystander);
    });
}
