//! A handle integer is issued once in the life of a process, whatever happens to it. Built with
//! `--cfg handle_table_small`, a slot has six generations, and slots retire by the thousand.
#![cfg(not(loom))]

mod common;

use std::{
    collections::HashSet,
    panic::{catch_unwind, AssertUnwindSafe},
    sync::{mpsc, Mutex},
};

use common::{aside, together, Rng};
use handle_table::{Handle, HandleError, HandleTable};

const INSERTS: usize = 100_000;

/// The kinds of tables that take different paths.
fn kinds() -> [(&'static str, HandleTable<usize>); 4] {
    [
        ("default", HandleTable::new()),
        ("one shard", HandleTable::builder().shards(1).build()),
        ("two shards", HandleTable::builder().shards(2).build()),
        (
            "limited",
            HandleTable::builder().shards(2).max_handles(64).build(),
        ),
    ]
}

/// All of them different.
#[track_caller]
fn assert_no_repeats(handles: &[Handle], kind: &str) {
    let distinct: HashSet<_> = handles.iter().collect();
    assert_eq!(distinct.len(), handles.len(), "{kind}: a handle came twice");
}

/// None of them valid, and the table knows that it had issued them.
#[track_caller]
fn assert_all_deleted(table: &HandleTable<usize>, handles: &[Handle], kind: &str) {
    for &handle in handles {
        assert!(!table.contains(handle), "{kind}: {handle:?} came back");
        let error = table.get(handle).map(|value| *value).unwrap_err();
        let deleted = matches!(error, HandleError::Deleted { .. });
        assert!(deleted, "{kind}: {handle:?} was issued, but: {error}");
    }
}

/// With six generations a slot, so many inserts must have used up slots.
#[track_caller]
fn assert_retired(table: &HandleTable<usize>, inserts: usize, kind: &str) {
    table.flush();
    let stats = table.stats();
    if cfg!(handle_table_small) {
        assert!(stats.exhausted > 0, "{kind}: {stats}");
        let slots = stats.live + stats.vacant + stats.pending + stats.exhausted;
        assert!(slots * 6 >= inserts, "{kind}: six to a slot: {stats}");
    } else {
        assert_eq!(stats.exhausted, 0, "{kind}: {stats}");
    }
}

#[test]
fn one_thread_gets_a_handle_again() {
    for (kind, table) in kinds() {
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
        assert_no_repeats(&all, kind);
        assert_all_deleted(&table, &all, kind);
        assert_retired(&table, all.len(), kind);
    }
}

#[test]
fn a_slot_reused_at_once_gives_its_handle_again() {
    for (kind, table) in kinds() {
        // The shortest way back to the same slot.
        let churn = |n| {
            let handle = table.insert(n);
            table.remove_now(handle).unwrap();
            handle
        };
        let all: Vec<_> = (0..2_000).map(churn).collect();
        assert_no_repeats(&all, kind);
        assert_all_deleted(&table, &all, kind);
        assert_retired(&table, all.len(), kind);
    }
}

#[test]
fn two_threads_get_the_same_handle() {
    for (kind, table) in kinds() {
        // Each thread keeps a few alive, so that two live ones would meet (idr-ebr's ABA).
        let issued = together(4, |nth| {
            let mut rng = Rng(nth as u64);
            let mut live = Vec::new();
            let mut all = Vec::new();
            for n in 0..INSERTS / 8 {
                let handle = table.insert(n);
                all.push(handle);
                live.push((handle, n));
                if live.len() > rng.below(16) {
                    let (handle, n) = live.swap_remove(rng.below(live.len()));
                    assert_eq!(
                        *table.get(handle).unwrap(),
                        n,
                        "{kind}: of another's insert"
                    );
                    table.remove(handle).unwrap();
                }
            }
            all
        });
        let all = issued.concat();
        table.clear();
        assert_no_repeats(&all, kind);
        assert_all_deleted(&table, &all, kind);
        assert_retired(&table, all.len(), kind);
    }
}

#[test]
fn a_slot_deleted_by_another_thread_gives_its_handle_again() {
    let table = HandleTable::builder().shards(4).build();
    let (send, receive) = mpsc::sync_channel::<Handle>(64);
    let receive = Mutex::new(receive);
    let issued = together(4, |nth| {
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
    assert_no_repeats(&all, "handed over");
    assert_all_deleted(&table, &all, "handed over");
    assert_retired(&table, all.len(), "handed over");
}

#[test]
fn a_thread_that_takes_over_a_shard_issues_its_handles_again() {
    for (kind, table) in kinds() {
        let mut all = Vec::new();
        for round in 0..100 {
            let issued = aside(|| {
                let handles: Vec<_> = (0..50).map(|n| table.insert(n)).collect();
                // Some are left for others, deleted or not.
                for handle in &handles[..round % 50] {
                    table.remove(*handle).unwrap();
                }
                handles
            });
            all.extend(issued);
            table.clear();
        }
        assert_no_repeats(&all, kind);
        assert_all_deleted(&table, &all, kind);
        assert_retired(&table, all.len(), kind);
    }
}

#[test]
fn a_handle_that_a_panicking_closure_saw_is_issued_later() {
    for (kind, table) in kinds() {
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
        assert!(table.is_empty(), "{kind}");
        let all = [seen.as_slice(), &issued].concat();
        assert_no_repeats(&all, kind);
        assert_all_deleted(&table, &all, kind);
        assert_retired(&table, all.len(), kind);
    }
}

#[test]
fn two_tables_issue_the_same_handles() {
    let (one, two) = (HandleTable::new(), HandleTable::new());
    let ours: HashSet<_> = (0..1_000).map(|n| one.insert(n)).collect();
    let theirs: HashSet<_> = (0..1_000).map(|n| two.insert(n)).collect();
    let common = ours.intersection(&theirs).count();
    // Chance alone gives one in a thousand on 32 bits, none on 64.
    assert!(common <= 3, "{common} handles of 1000 are valid in both");
    let runs = (ours.iter().zip(&theirs)).filter(|(a, b)| a == b).count();
    assert!(runs <= 3, "{runs} handles in a row are the same");
}

#[cfg(handle_table_small)]
#[test]
fn a_table_whose_first_slots_have_all_retired_stops_working() {
    let table = HandleTable::builder().shards(2).max_handles(2).build();
    for n in 0..INSERTS {
        // Limits count live handles, not slots that are used up.
        let (a, b) = (table.insert(n), table.insert(n));
        assert!(table.try_insert(n).is_err());
        assert_ne!(a, b);
        table.remove(a).unwrap();
        table.remove(b).unwrap();
    }
    table.flush();
    let stats = table.stats();
    assert!(stats.exhausted > INSERTS / 6, "{stats}");
    assert_eq!((stats.live, stats.pending), (0, 0), "{stats}");
}
