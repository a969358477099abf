//! What is allocated on demand: the body of a table (`Inner`), and the segments of a shard.
#![cfg(loom)]

use std::sync::Arc;

use handle_table::Handle;
use loom::{
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    thread,
};
use loom_tests::{check, is_not_issued, join, same_slot, table, Ledger};

/// Edge "grow" of the table's body. Fails if `OnceInner` loses a Release or an Acquire, if two
/// threads each install an `Inner`, or if an insert goes on before the `AtomicLookup` is stored.
/// Also fails if `Leases::claim` loses its compare-exchange: both threads own one shard.
#[test]
fn two_first_inserts_make_one_inner() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let other = thread::spawn({
            let (table, ledger) = (Arc::clone(&table), ledger.clone());
            move || {
                let there = table.insert(ledger.value(1));
                assert!(table.contains(there));
                there
            }
        });
        let here = table.insert(ledger.value(2));
        assert!(table.contains(here));
        let there = join(other);
        assert!(!same_slot(here, there));
        assert_eq!(table.get(there).unwrap().number(), 1);
        assert_eq!(table.get(here).unwrap().number(), 2);
        assert_eq!(table.len(), 2);
        ledger.close(table);
    });
}

/// Edge "grow" of the table's body. Fails if `OnceInner` or `AtomicLookup` loses a Release or an
/// Acquire, or if `AtomicLookup::store` changes its order: a look-up finds a half-made `Inner`, or
/// the directory without its size or without the table's key.
#[test]
fn a_lookup_sees_a_whole_inner_or_none() {
    check(|| {
        let (table, ledger) = (table(1), Ledger::new());
        // The live state of the first slot, which is no handle in a table with a key.
        let forged = Handle::from_raw(1 << (usize::BITS - 1)).unwrap();
        let reader = thread::spawn({
            let table = Arc::clone(&table);
            move || {
                assert!(!table.contains(forged));
                assert!(table.len() <= 1);
            }
        });
        let _ = table.insert(ledger.value(1));
        join(reader);
        ledger.close(table);
    });
}

/// Edge "grow" of segments. Fails if `SlotArray::grow` stores the end without Release or before the
/// base, or if `Directory::get` loads the end without Acquire: a look-up finds a half-made segment.
#[test]
fn a_lookup_sees_a_whole_segment_or_none() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let first = table.insert(ledger.value(1));
        let _ = table.insert(ledger.value(2));
        let word = Arc::new(AtomicUsize::new(0));
        let reader = thread::spawn({
            let (table, word) = (Arc::clone(&table), Arc::clone(&word));
            move || {
                assert_eq!(table.get(first).unwrap().number(), 1);
                if let Ok(handle) = Handle::from_raw(word.load(Relaxed)) {
                    match table.get(handle) {
                        Ok(value) => assert_eq!(value.number(), 3),
                        // As far as this thread can see, the handle is not issued yet.
                        Err(error) => assert!(is_not_issued(error), "{error}"),
                    }
                }
            }
        });
        // Not the first slot of the new segment: there, a missing base would be noticed as such.
        let _ = table.insert(ledger.value(2));
        let last = table.insert(ledger.value(3));
        word.store(last.to_raw(), Relaxed);
        join(reader);
        assert_eq!(table.get(last).unwrap().number(), 3);
        ledger.close(table);
    });
}

/// Edge "grow" of segments. Fails if `SlotArray::grow` loses the Release or the Acquire of its
/// compare-exchange: the thread that loses it uses slots that it can't see made.
///
/// `parts::a_segment_is_made_once` proves that one segment wins and is found by both threads. This
/// model proves the orderings, and the wiring.
#[test]
fn two_inserts_share_one_new_segment() {
    check(|| {
        let (table, ledger) = (table(1), Ledger::new());
        for number in 0..2 {
            let _ = table.insert(ledger.value(number));
        }
        let other = thread::spawn({
            let (table, ledger) = (Arc::clone(&table), ledger.clone());
            move || table.insert(ledger.value(3))
        });
        let here = table.insert(ledger.value(4));
        let there = join(other);
        assert!(!same_slot(here, there));
        assert_eq!(table.get(there).unwrap().number(), 3);
        assert_eq!(table.get(here).unwrap().number(), 4);
        ledger.close(table);
    });
}
