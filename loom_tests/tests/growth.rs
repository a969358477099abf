//! What is made on the way: the core of a table, the segments of a shard.
#![cfg(loom)]

use std::sync::Arc;

use handle_table::{Handle, HandleError};
use loom::{
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    thread,
};
use loom_tests::{check, join, same_slot, table, Ledger};

/// "grow" of the core: `OnceCore` without Release or Acquire, or the loser's core used, or the core
/// before the front is set; and `Leases::claim` without its compare-exchange, so that both own the
/// same shard.
#[test]
fn two_first_inserts_make_two_cores() {
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

/// "grow" of the core: a lookup finds it half made; or the directory of its segments, but not yet
/// how large that is, or by which key handles are made of words.
#[test]
fn a_lookup_finds_a_core_in_the_making() {
    check(|| {
        let (table, ledger) = (table(1), Ledger::new());
        // The word of the first slot, which is no handle of a table with a key.
        let forged = Handle::from_raw(1 << (usize::BITS - 1)).unwrap();
        let reader = thread::spawn({
            let table = Arc::clone(&table);
            move || {
                assert!(!table.contains(forged));
                assert!(table.len() <= 1);
            }
        });
        table.insert(ledger.value(1));
        join(reader);
        ledger.close(table);
    });
}

/// "grow" of segments: `Segments::grow` without Release, `Segment::slots` without Acquire.
#[test]
fn a_lookup_finds_a_segment_in_the_making() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let first = table.insert(ledger.value(1));
        table.insert(ledger.value(2));
        let word = Arc::new(AtomicUsize::new(0));
        let reader = thread::spawn({
            let (table, word) = (Arc::clone(&table), Arc::clone(&word));
            move || {
                assert_eq!(table.get(first).unwrap().number(), 1);
                if let Ok(handle) = Handle::from_raw(word.load(Relaxed)) {
                    match table.get(handle) {
                        Ok(value) => assert_eq!(value.number(), 3),
                        Err(error) => assert_eq!(error, HandleError::Unknown),
                    }
                }
            }
        });
        // Not the first place of the new segment: a missing pointer to that would be found missing.
        table.insert(ledger.value(2));
        let last = table.insert(ledger.value(3));
        word.store(last.into_raw(), Relaxed);
        join(reader);
        assert_eq!(table.get(last).unwrap().number(), 3);
        ledger.close(table);
    });
}

/// "grow" of segments by two: the loser of `Segments::grow` uses its own, or the winner's without
/// Acquire.
#[test]
fn two_inserts_grow_the_same_segment() {
    check(|| {
        let (table, ledger) = (table(1), Ledger::new());
        for number in 0..2 {
            table.insert(ledger.value(number));
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
