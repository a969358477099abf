//! Walks over a table: iteration, `retain`, `clear`, and the counts.
#![cfg(not(loom))]

mod common;

use std::{
    collections::HashMap,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use common::{aside, together, Census, Rng, SetAtEnd};
use handle_table::{Handle, HandleError, HandleTable, Stats};

fn kinds<T>() -> [HandleTable<T>; 3] {
    let builder = HandleTable::builder;
    [
        builder().build(),
        builder().shards(1).build(),
        builder().shards(2).max_handles(1 << 16).build(),
    ]
}

/// What must hold between the numbers when no one else is at work.
#[track_caller]
fn assert_at_rest<T>(table: &HandleTable<T>, live: usize) -> Stats {
    let stats = table.stats();
    assert_eq!(stats.live, live, "{stats}");
    assert_eq!(table.len(), live, "{stats}");
    assert_eq!(table.is_empty(), live == 0);
    assert_eq!(table.pin().iter().count(), live, "{stats}");
    assert_eq!(table.stats(), stats, "two looks at the same");
    stats
}

#[test]
fn an_iteration_sees_a_value_twice_or_not_at_all() {
    for table in kinds() {
        assert_eq!(table.pin().iter().count(), 0);
        let mut rng = Rng(3);
        let mut model = HashMap::new();
        for n in 0..2_000 {
            model.insert(table.insert(n), n);
            if rng.below(2) == 0 {
                let handle = *model.keys().next().unwrap();
                model.remove(&handle);
                table.remove(handle).unwrap();
            }
        }
        let pinned = table.pin();
        let seen: Vec<_> = pinned.iter().map(|(handle, n)| (handle, *n)).collect();
        assert_eq!(seen.len(), model.len());
        assert_eq!(seen.into_iter().collect::<HashMap<_, _>>(), model);
        let mut again = 0;
        for (handle, value) in &pinned {
            assert!(std::ptr::eq(pinned.get(handle).unwrap(), value));
            again += 1;
        }
        assert_eq!(again, model.len());
    }
}

#[test]
fn an_iteration_misses_a_stable_value_while_others_come_and_go() {
    static CENSUS: Census = Census::new();
    const STABLE: usize = 500;
    for table in kinds() {
        let mut stable = HashMap::new();
        for n in 0..STABLE {
            // Between others, so that all over the slots something moves.
            let passing = table.insert(CENSUS.witness(usize::MAX));
            stable.insert(table.insert(CENSUS.witness(n)), n);
            table.remove(passing).unwrap();
        }
        let stop = AtomicBool::new(false);
        together(3, |nth| {
            if nth > 0 {
                let mut rng = Rng(nth as u64);
                let mut mine = Vec::new();
                while !stop.load(Relaxed) {
                    mine.push(table.insert(CENSUS.witness(usize::MAX)));
                    if mine.len() > rng.below(100) {
                        let handle = mine.swap_remove(rng.below(mine.len()));
                        table.remove(handle).unwrap();
                    }
                }
                return;
            }
            let _stop = SetAtEnd(&stop);
            let mut pinned = table.pin();
            for _ in 0..60 {
                let mut seen = HashMap::new();
                for (handle, value) in &pinned {
                    let number = value.look();
                    let twice = seen.insert(handle, number);
                    assert_eq!(twice, None, "{handle:?} was seen twice");
                }
                seen.retain(|_, number| *number < STABLE);
                assert!(seen == stable, "{} of {STABLE} were seen", seen.len());
                pinned.repin();
            }
        });
    }
    CENSUS.assert_all_dropped_once();
}

#[test]
fn an_iteration_sees_a_value_that_was_deleted_before_it() {
    for table in kinds() {
        let handles: Vec<_> = (0..300).map(|n| table.insert(n)).collect();
        let pinned = table.pin();
        let mut iter = pinned.iter();
        let (first, _) = iter.next().unwrap();
        for handle in &handles {
            table.remove(*handle).unwrap();
        }
        table.flush();
        assert_eq!(iter.next(), None, "deleted before it came there");
        assert_eq!(iter.next(), None, "and so it stays");
        assert!(handles.contains(&first));
        assert_eq!(table.pin().iter().next(), None);
    }
}

#[test]
fn a_pin_from_before_the_first_insert_finds_nothing_later() {
    let table = HandleTable::new();
    let pinned = table.pin();
    assert_eq!(pinned.iter().count(), 0);
    let handle = table.insert(7);
    assert_eq!(pinned.get(handle), Ok(&7));
    assert_eq!(pinned.iter().collect::<Vec<_>>(), [(handle, &7)]);
    table.remove(handle).unwrap();
    let deleted = pinned.get(handle);
    assert!(
        matches!(deleted, Err(HandleError::Deleted { .. })),
        "{deleted:?}"
    );
}

#[test]
fn retain_keeps_or_deletes_the_wrong_ones() {
    for table in kinds() {
        let handles: Vec<_> = (0..1_000).map(|n| table.insert(n)).collect();
        let mut calls = HashMap::new();
        table.retain(|handle, n| {
            *calls.entry((handle, *n)).or_insert(0) += 1;
            n % 3 == 0
        });
        assert_eq!(calls.len(), 1_000);
        assert!(calls.values().all(|count| *count == 1));
        for (n, handle) in handles.iter().enumerate() {
            assert_eq!(table.contains(*handle), n % 3 == 0);
        }
        assert_at_rest(&table, 334);
        table.clear();
        assert_at_rest(&table, 0);
        assert!(handles.iter().all(|handle| table.get(*handle).is_err()));
    }
}

#[test]
fn retain_cannot_use_the_table() {
    for table in kinds() {
        let handles: Vec<_> = (0..300).map(|n| table.insert(n)).collect();
        table.retain(|handle, n| {
            assert_eq!(table.cloned(handle), Ok(*n));
            assert!(table.quiesce().is_err(), "the thread is pinned");
            if n % 2 == 0 {
                table.remove(handle).unwrap();
            }
            let more = table.insert(1);
            table.remove_now(more).unwrap();
            table.flush();
            table.clear();
            true
        });
        assert!(handles.iter().all(|handle| !table.contains(*handle)));
        assert_at_rest(&table, 0);
    }
}

#[test]
fn two_clears_at_a_time_delete_a_value_twice() {
    static CENSUS: Census = Census::new();
    for table in kinds() {
        for _ in 0..20 {
            for n in 0..200 {
                table.insert(CENSUS.witness(n));
            }
            together(3, |nth| match nth {
                0 => table.clear(),
                1 => table.retain(|_, value| value.look() > 1_000),
                _ => table.clear(),
            });
            assert_at_rest(&table, 0);
        }
        drop(table);
        CENSUS.assert_all_dropped_once();
    }
}

#[test]
fn the_counts_do_not_add_up() {
    for table in kinds::<[u8; 100]>() {
        assert_eq!(table.stats(), Stats::default());
        assert!(table.is_empty());
        let handles: Vec<_> = (0..400).map(|n| table.insert([n as u8; 100])).collect();
        let full = assert_at_rest(&table, 400);
        assert_eq!((full.pending, full.exhausted, full.drop_panics), (0, 0, 0));
        let slots = |stats: Stats| stats.live + stats.vacant + stats.pending + stats.exhausted;
        assert!(full.bytes >= 400 * 100 + slots(full) * 2 * size_of::<usize>());

        // A reader keeps all that is deleted from now on.
        let pinned = table.pin();
        for handle in &handles[..200] {
            table.remove(*handle).unwrap();
        }
        aside(|| {
            handles[200..250]
                .iter()
                .for_each(|h| table.remove(*h).unwrap())
        });
        let held = assert_at_rest(&table, 150);
        assert_eq!(held.pending, 250, "{held}");
        assert_eq!(slots(held), slots(full), "no slot comes or goes");
        assert_eq!(held.bytes, full.bytes, "deleted is not yet dropped");
        drop(pinned);

        table.quiesce().unwrap();
        let dropped = assert_at_rest(&table, 150);
        assert_eq!(dropped.pending, 0, "{dropped}");
        assert_eq!(slots(dropped), slots(full), "{dropped}");
        assert!(dropped.bytes < full.bytes, "{dropped}");
        let words = dropped.to_string();
        assert!(
            words.contains("150 live") && words.contains("0 deleted"),
            "{words}"
        );
        table.clear();
        table.quiesce().unwrap();
        assert_at_rest(&table, 0);
    }
}

#[test]
fn the_length_drifts_under_many_threads() {
    for table in kinds() {
        let kept: Vec<Vec<Handle>> = together(6, |nth| {
            let mut rng = Rng(nth as u64);
            let mut live = Vec::new();
            for n in 0..2_000 {
                live.push(table.insert(n));
                let len = table.len();
                assert!(len <= 6 * 2_000, "{len}");
                if rng.below(3) > 0 {
                    table
                        .remove(live.swap_remove(rng.below(live.len())))
                        .unwrap();
                }
            }
            live
        });
        let kept: Vec<_> = kept.concat();
        assert_at_rest(&table, kept.len());
        // By another thread than has inserted them.
        kept.iter()
            .for_each(|handle| table.remove(*handle).unwrap());
        assert_at_rest(&table, 0);
    }
}
