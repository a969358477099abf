//! A table issues each integer once, whatever becomes of its slot. In a build with
//! `--cfg handle_table_small` a slot has six generations, and slots are exhausted by the thousand.

use std::{
    collections::HashSet,
    panic::{catch_unwind, AssertUnwindSafe},
    sync::{mpsc, Mutex},
};

use handle_table::{Handle, HandleError, HandleTable};

use crate::{
    common::{on_new_thread, run_concurrently, table_kinds, Rng},
    serial::serial,
    slots::slots,
};

const INSERTS: usize = 100_000;

/// The table has deleted all `issued`, and no two of them are equal.
#[track_caller]
fn assert_each_issued_once(table: &HandleTable<usize>, issued: &[Handle<usize>]) {
    let distinct: HashSet<_> = issued.iter().collect();
    assert_eq!(distinct.len(), issued.len(), "a handle was issued twice");
    for &handle in issued {
        assert!(!table.contains(handle), "{handle:?} is valid again");
        let error = table.get(handle).map(|value| *value).unwrap_err();
        let deleted = matches!(error, HandleError::Deleted { .. });
        assert!(deleted, "{handle:?} was issued, but: {error}");
    }
    assert_slots_are_exhausted(table, issued.len());
}

/// So many inserts exhaust slots of six generations, and none of as many as usual.
#[track_caller]
fn assert_slots_are_exhausted(table: &HandleTable<usize>, inserts: usize) {
    table.flush();
    let stats = table.stats();
    if cfg!(handle_table_small) {
        assert!(stats.exhausted > 0, "{stats}");
        assert!(slots(stats) * 6 >= inserts, "more than six uses: {stats}");
    } else {
        assert_eq!(stats.exhausted, 0, "{stats}");
    }
}

#[test]
fn one_thread_never_gets_a_handle_twice() {
    let _serial = serial();
    for table in table_kinds() {
        let mut rng = Rng(1);
        let mut live = Vec::new();
        let mut all = Vec::new();
        for n in 0..INSERTS / 4 {
            let handle = table.insert(n);
            all.push(handle);
            live.push(handle);
            while live.len() > rng.below(64) {
                let handle = live.swap_remove(rng.below(live.len()));
                table.remove(handle).unwrap();
            }
        }
        table.clear();
        assert_each_issued_once(&table, &all);
    }
}

#[test]
fn a_slot_reused_at_once_gives_a_new_handle() {
    let _serial = serial();
    for table in table_kinds() {
        // The slot is free at once, so the next insert may take it.
        let churn = |n| {
            let handle = table.insert(n);
            table.remove_now(handle).unwrap();
            handle
        };
        let all: Vec<_> = (0..2_000).map(churn).collect();
        assert_each_issued_once(&table, &all);
    }
}

#[test]
fn two_threads_never_get_the_same_handle() {
    let _serial = serial();
    for table in table_kinds() {
        // Each thread keeps a few alive. If two threads got one slot, they would see each other's
        // values: the ABA problem of a free list.
        let issued = run_concurrently(4, |nth| {
            let mut rng = Rng(nth as u64);
            let mut live = Vec::new();
            let mut all = Vec::new();
            for n in 0..INSERTS / 8 {
                let handle = table.insert(n);
                all.push(handle);
                live.push((handle, n));
                if live.len() > rng.below(16) {
                    let (handle, n) = live.swap_remove(rng.below(live.len()));
                    let value = table.cloned(handle);
                    assert_eq!(value, Ok(n), "a value of another insert");
                    table.remove(handle).unwrap();
                }
            }
            all
        });
        let all = issued.concat();
        table.clear();
        assert_each_issued_once(&table, &all);
    }
}

#[test]
fn a_handle_deleted_by_another_thread_is_never_reissued() {
    let _serial = serial();
    let table = HandleTable::builder().shards(4).build();
    let (send, receive) = mpsc::sync_channel::<Handle<_>>(64);
    let receive = Mutex::new(receive);
    let issued = run_concurrently(4, |nth| {
        let mut all = Vec::new();
        if nth < 2 {
            let send = send.clone();
            for n in 0..INSERTS / 8 {
                let handle = table.insert(n);
                all.push(handle);
                send.send(handle).unwrap();
            }
        } else {
            for _ in 0..INSERTS / 8 {
                let handle = receive.lock().unwrap().recv().unwrap();
                table.remove(handle).unwrap();
            }
        }
        all
    });
    let all = issued.concat();
    assert_each_issued_once(&table, &all);
}

#[test]
fn a_thread_that_takes_over_a_shard_issues_new_handles() {
    let _serial = serial();
    for table in table_kinds() {
        let mut all = Vec::new();
        for round in 0..100 {
            let issued = on_new_thread(|| {
                let handles: Vec<_> = (0..50).map(|n| table.insert(n)).collect();
                // It ends with some deleted and not yet dropped, and some live.
                for handle in &handles[..round % 50] {
                    table.remove(*handle).unwrap();
                }
                handles
            });
            all.extend(issued);
            table.clear();
        }
        assert_each_issued_once(&table, &all);
    }
}

#[test]
fn a_handle_seen_by_a_panicking_closure_is_never_issued() {
    let _serial = serial();
    for table in table_kinds() {
        let mut seen = Vec::new();
        let mut issued = Vec::new();
        for n in 0..1_000 {
            let result = catch_unwind(AssertUnwindSafe(|| {
                table.insert_with(|me| {
                    seen.push(me);
                    std::panic::resume_unwind(Box::new(()));
                })
            }));
            assert!(result.is_err());
            let handle = table.insert(n);
            issued.push(handle);
            table.remove(handle).unwrap();
        }
        assert!(table.is_empty());
        let all = [seen.as_slice(), &issued].concat();
        assert_each_issued_once(&table, &all);
    }
}

#[test]
fn two_tables_issue_different_handles() {
    let _serial = serial();
    let (one, two) = (HandleTable::new(), HandleTable::new());
    let ours: HashSet<_> = (0..1_000).map(|n| one.insert(n)).collect();
    let theirs: HashSet<_> = (0..1_000).map(|n| two.insert(n)).collect();
    let common = ours.intersection(&theirs).count();
    // Expected by chance: one in a thousand on 32-bit targets, none on 64-bit ones.
    assert!(common <= 3, "{common} handles of 1000 are valid in both");
    let runs = (ours.iter().zip(&theirs)).filter(|(a, b)| a == b).count();
    assert!(runs <= 3, "{runs} handles are equal in both, in order");
}

#[cfg(handle_table_small)]
#[test]
fn a_table_whose_first_slots_are_exhausted_works() {
    let _serial = serial();
    let table = HandleTable::builder().shards(2).max_handles(2).build();
    for n in 0..INSERTS {
        // The limit counts live handles, not exhausted slots.
        let (a, b) = (table.insert(n), table.insert(n));
        assert!(table.try_insert(n).is_err());
        assert_ne!(a, b);
        table.remove(a).unwrap();
        table.remove(b).unwrap();
    }
    table.quiesce().unwrap();
    let stats = table.stats();
    assert!(stats.exhausted > INSERTS / 6, "{stats}");
    assert_eq!((stats.live, stats.pending), (0, 0), "{stats}");
}
