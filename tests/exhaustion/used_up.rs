//! Tables that have issued all their handles.

use std::time::Duration;

use handle_table::Stats;

use crate::{
    common::run_concurrently,
    serial::serial,
    tables::{kinds, Numbers},
};

/// So many handles stay valid while the others are used up.
const KEPT: usize = 100;

/// A table of each kind with a shard that has an owner and one that has none, and one kind with all
/// in one shard and in several.
fn some_kinds() -> impl Iterator<Item = Box<dyn Numbers>> {
    kinds(2).chain(kinds(1).take(1)).chain(kinds(8).take(1))
}

/// Inserts and removes until the table is full. Returns what it has issued.
fn use_up(table: &dyn Numbers) -> Vec<usize> {
    let mut issued = Vec::new();
    loop {
        let number = issued.len();
        match table.try_insert(number) {
            Ok(handle) => issued.push(handle),
            Err((words, given_back)) => {
                assert_eq!(given_back, number);
                assert!(words.contains("used up") && words.contains("another table"), "{words}");
                return issued;
            }
        }
        assert_eq!(table.remove(issued[number]), Some(number));
    }
}

/// No two of these are equal.
#[track_caller]
fn assert_distinct(mut issued: Vec<usize>) {
    let count = issued.len();
    issued.sort_unstable();
    issued.dedup();
    assert_eq!(issued.len(), count, "a handle was issued twice");
}

fn slots(stats: &Stats) -> usize {
    stats.live + stats.vacant + stats.pending + stats.exhausted
}

#[test]
fn a_used_up_table_is_full_for_good_and_its_values_stay() {
    let _serial = serial();
    for table in some_kinds() {
        let unused = table.stats().remaining;
        let kept: Vec<_> = (0..KEPT).map(|n| table.try_insert(n).unwrap()).collect();
        let issued = use_up(&*table);
        let stats = table.stats();
        println!("{stats}");
        assert_eq!(stats.issued, (KEPT + issued.len()) as u64);
        assert_eq!((stats.live, stats.pending), (KEPT, 0), "{stats}");
        // Those of the kept slots are left. None of a table without look-ups was passed over.
        assert!(stats.remaining <= 5 * KEPT as u64, "{stats}");
        assert!(stats.issued + stats.remaining <= unused);

        // What is there works on, and a delete makes room as long as its slot has generations left.
        assert!(kept.iter().all(|handle| table.contains(*handle)));
        assert!(issued.iter().all(|handle| !table.contains(*handle)));
        let mut all = [kept.as_slice(), &issued].concat();
        let mut visited = table.visit();
        visited.sort_unstable_by_key(|(_, number)| *number);
        assert_eq!(visited, kept.iter().copied().zip(0..).collect::<Vec<_>>());
        for handle in kept {
            // A drain has removed them.
            table.remove(handle);
        }
        all.extend(use_up(&*table));
        let stats = table.stats();
        assert_eq!((stats.remaining, stats.issued), (0, all.len() as u64), "{stats}");
        assert_eq!(stats.lasts_for(), Some(Duration::ZERO));
        assert_eq!(slots(&stats), stats.exhausted, "{stats}");
        for _ in 0..100 {
            assert!(table.try_insert(7).is_err());
        }
        assert_distinct(all);
        assert_eq!(table.stats().issued, stats.issued);
    }
}

/// Slots that wait for a grace period, and those that a thread keeps to return them together.
#[test]
fn a_full_table_uses_every_slot_that_is_given_back() {
    let _serial = serial();
    for table in some_kinds() {
        let mut live = Vec::new();
        while let Ok(handle) = table.try_insert(live.len()) {
            live.push(handle);
        }
        for given_back in [1, 2, 3, 70, 20] {
            // From the front and from the end, so of several shards.
            for nth in 0..given_back {
                let at = if nth % 2 == 0 { nth } else { live.len() - 1 };
                assert!(table.remove(live.swap_remove(at)).is_some());
            }
            for nth in 0..given_back {
                let inserted = table.try_insert(7);
                live.push(inserted.unwrap_or_else(|_| panic!("{nth} of {given_back}")));
            }
            assert!(table.try_insert(7).is_err());
        }
        assert_eq!(table.stats().live, live.len());
    }
}

#[test]
fn threads_use_a_table_up_together_and_get_no_handle_twice() {
    let _serial = serial();
    for table in some_kinds() {
        let unused = table.stats().remaining;
        let issued = run_concurrently(4, |_| use_up(&*table)).concat();
        let stats = table.stats();
        println!("{stats}");
        assert_eq!((stats.issued, stats.live), (issued.len() as u64, 0), "{stats}");
        assert!(stats.remaining < 10_000, "{stats}");
        assert!(stats.issued > unused / 3 * 2, "{} were passed over: {stats}", unused);
        assert_distinct(issued);
        // A new thread has a shard that one of them has owned.
        let rest = run_concurrently(4, |_| use_up(&*table)).concat();
        assert!(rest.len() as u64 <= stats.remaining, "{}", table.stats());
    }
}

#[test]
fn a_thread_whose_shard_is_used_up_goes_on_in_others() {
    let _serial = serial();
    for table in kinds(8) {
        let of_a_shard = table.stats().remaining / 8;
        for number in 0..3 * of_a_shard as usize {
            let handle = table.try_insert(number).expect("seven shards are left");
            assert_eq!(table.remove(handle), Some(number));
        }
        let stats = table.stats();
        assert_eq!(stats.issued, 3 * of_a_shard);
        assert!(stats.exhausted as u64 > of_a_shard / 6, "{stats}");
        assert!(stats.remaining > 4 * of_a_shard, "{stats}");
        assert!(stats.lasts_for().unwrap() > Duration::ZERO, "{stats}");
    }
}
