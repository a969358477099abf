//! What goes over a whole table: iteration, `retain`, `clear`, and the counts.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use handle_table::{Handle, HandleError, HandleTable, Stats};

use crate::{
    common::{on_new_thread, run_concurrently, scaled, table_kinds, Census, Rng, SetOnDrop},
    slots::slots,
};

/// The counts of this table alone: readers are those of all tests.
fn counts<T>(table: &HandleTable<T>) -> Stats {
    let mut stats = table.stats();
    stats.oldest_reader = None;
    stats
}

/// Checks that all counts agree, while no other thread uses the table.
#[track_caller]
fn assert_at_rest<T>(table: &HandleTable<T>, live: usize) -> Stats {
    let stats = counts(table);
    assert_eq!(stats.live, live, "{stats}");
    assert_eq!(table.len(), live, "{stats}");
    assert_eq!(table.is_empty(), live == 0);
    assert_eq!(table.pin().iter().count(), live, "{stats}");
    assert_eq!(counts(table), stats, "two counts of one state");
    stats
}

#[test]
fn an_iteration_sees_every_value_once() {
    for table in table_kinds() {
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
fn an_iteration_sees_stable_values_once_while_others_come_and_go() {
    static CENSUS: Census = Census::new();
    const STABLE: usize = 500;
    for table in table_kinds() {
        let mut stable = HashMap::new();
        for n in 0..STABLE {
            // Between slots that are used again, so that values move all over the table.
            let passing = table.insert(CENSUS.witness(usize::MAX));
            stable.insert(table.insert(CENSUS.witness(n)), n);
            table.remove(passing).unwrap();
        }
        let stop = AtomicBool::new(false);
        run_concurrently(3, |nth| {
            if nth > 0 {
                let mut rng = Rng(nth as u64);
                let mut mine = Vec::new();
                // A table of small widths would be used up beside a reader that is slow.
                for _ in 0..100_000 {
                    if stop.load(Relaxed) {
                        break;
                    }
                    mine.push(table.insert(CENSUS.witness(usize::MAX)));
                    if mine.len() > rng.below(100) {
                        let handle = mine.swap_remove(rng.below(mine.len()));
                        table.remove(handle).unwrap();
                    }
                }
                return;
            }
            let _stop = SetOnDrop(&stop);
            let mut pinned = table.pin();
            for _ in 0..scaled(60) {
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
fn an_iteration_skips_values_deleted_before_it_reaches_them() {
    for table in table_kinds() {
        let handles: Vec<_> = (0..300).map(|n| table.insert(n)).collect();
        let pinned = table.pin();
        let mut iter = pinned.iter();
        let (first, _) = iter.next().unwrap();
        for handle in &handles {
            table.remove(*handle).unwrap();
        }
        table.flush();
        assert_eq!(iter.next(), None, "all were deleted before it reached them");
        assert_eq!(iter.next(), None, "an iteration that has ended goes on");
        assert!(handles.contains(&first));
        assert_eq!(table.pin().iter().next(), None);
    }
}

#[test]
fn a_pin_from_before_the_first_insert_sees_later_values() {
    let table = HandleTable::new();
    let pinned = table.pin();
    assert_eq!(pinned.iter().count(), 0);
    let handle = table.insert(7);
    assert_eq!(pinned.get(handle), Ok(&7));
    assert_eq!(pinned.iter().collect::<Vec<_>>(), [(handle, &7)]);
    table.remove(handle).unwrap();
    let deleted = pinned.get(handle);
    assert!(matches!(deleted, Err(HandleError::Deleted { .. })), "{deleted:?}");
}

#[test]
fn retain_deletes_exactly_what_its_closure_rejects() {
    for table in table_kinds() {
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
fn the_closure_of_retain_may_use_the_table() {
    for table in table_kinds() {
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
fn clears_at_a_time_delete_each_value_once() {
    static CENSUS: Census = Census::new();
    for table in table_kinds() {
        for _ in 0..20 {
            for n in 0..200 {
                let _ = table.insert(CENSUS.witness(n));
            }
            run_concurrently(3, |nth| match nth {
                0 => table.clear(),
                1 => table.retain(|_, value| value.look() > 1_000),
                _ => table.clear(),
            });
            // A reader of another test may have some.
            table.quiesce().unwrap();
            assert_at_rest(&table, 0);
        }
        drop(table);
        CENSUS.assert_all_dropped_once();
    }
}

#[test]
fn the_counts_add_up() {
    for table in table_kinds::<[u8; 100]>() {
        let unused = counts(&table);
        assert_eq!((slots(unused), unused.shards, unused.bytes, unused.issued), (0, 0, 0, 0));
        assert!(table.is_empty());
        let handles: Vec<_> = (0..400).map(|n| table.insert([n as u8; 100])).collect();
        let full = assert_at_rest(&table, 400);
        assert_eq!((full.pending, full.exhausted, full.drop_panics), (0, 0, 0));
        assert!(full.bytes >= 400 * 100 + slots(full) * 2 * size_of::<usize>());

        // A reader keeps all that is deleted from now on.
        let pinned = table.pin();
        for handle in &handles[..200] {
            table.remove(*handle).unwrap();
        }
        on_new_thread(|| handles[200..250].iter().for_each(|h| table.remove(*h).unwrap()));
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
        assert!(words.contains("150 live") && words.contains("0 deleted"), "{words}");
        table.clear();
        table.quiesce().unwrap();
        assert_at_rest(&table, 0);
    }
}

#[test]
fn the_length_is_exact_after_many_threads() {
    const EACH: usize = scaled(2_000);
    for table in table_kinds() {
        let kept: Vec<Vec<Handle<_>>> = run_concurrently(6, |nth| {
            let mut rng = Rng(nth as u64);
            let mut live = Vec::new();
            for n in 0..EACH {
                live.push(table.insert(n));
                let len = table.len();
                assert!(len <= 6 * EACH, "{len}");
                if rng.below(3) > 0 {
                    table.remove(live.swap_remove(rng.below(live.len()))).unwrap();
                }
            }
            live
        });
        let kept: Vec<_> = kept.concat();
        assert_at_rest(&table, kept.len());
        // Deleted by another thread than inserted them.
        kept.iter().for_each(|handle| table.remove(*handle).unwrap());
        assert_at_rest(&table, 0);
    }
}

#[test]
fn an_iteration_that_inserts_ends() {
    for table in table_kinds() {
        for number in 0..10 {
            let _ = table.insert(number);
        }
        let pinned = table.pin();
        let mut visits = 0;
        for (handle, number) in &pinned {
            table.remove(handle).unwrap();
            let _ = table.insert(*number);
            visits += 1;
            assert!(visits < 10_000, "there is no end of it");
        }
        drop(pinned);
        assert_eq!(table.len(), 10);
    }
}

#[test]
fn an_iteration_ends_once() {
    let table = HandleTable::new();
    let pinned = table.pin();
    let _ = table.insert(1);
    let mut iter = pinned.iter();
    while iter.next().is_some() {}
    (0..100).for_each(|number| _ = table.insert(number));
    assert_eq!(iter.next(), None);
}
