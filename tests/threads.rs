//! More threads than shards, and threads that come and go. One test at a time, since all threads of
//! the process take their shards from the same numbers.
#![cfg(not(loom))]

mod common;

use std::{
    sync::{
        atomic::{AtomicUsize, Ordering::Relaxed},
        Barrier,
    },
    thread,
};

use common::{serial, together, Census};
use handle_table::{Handle, HandleTable};

/// All verbs, on values that no one else deletes.
fn work(table: &HandleTable<usize>, nth: usize, turns: usize) {
    let mut mine = Vec::new();
    for n in 0..turns {
        let handle = if n % 3 == 0 {
            table.insert_with(|_| nth + n)
        } else {
            table.insert(nth + n)
        };
        mine.push((handle, nth + n));
        if n % 2 == 1 {
            let (handle, value) = mine.swap_remove(n / 2 % mine.len());
            assert_eq!(*table.get(handle).unwrap(), value);
            match n % 5 {
                0 => table.remove_now(handle).unwrap(),
                1 => assert_eq!(*table.remove_ref(handle).unwrap(), value),
                _ => table.remove(handle).unwrap(),
            }
            assert!(!table.contains(handle));
        }
    }
    for (handle, value) in mine {
        assert_eq!(table.cloned(handle), Ok(value));
        table.remove(handle).unwrap();
    }
}

#[test]
fn threads_without_a_shard_panic_or_lose_values() {
    let _serial = serial();
    for shards in [1, 2, 4, 64] {
        let table = HandleTable::builder().shards(shards).build();
        // All at work at a time, each with a lease or without, until the last one is done.
        let all_done = Barrier::new(24);
        together(24, |nth| {
            work(&table, nth * 1_000_000, 400);
            all_done.wait();
        });
        table.quiesce().unwrap();
        let stats = table.stats();
        assert_eq!((stats.live, stats.pending), (0, 0), "{stats}");
        assert!(table.is_empty());
    }
}

#[test]
fn more_threads_than_there_are_leases_panic() {
    let _serial = serial();
    const THREADS: usize = 1_100;
    static TABLE: HandleTable<usize> = HandleTable::builder().shards(1024).build();
    let gate = &Barrier::new(THREADS);
    let handles = thread::scope(|scope| {
        let spawn = |nth| {
            let run = move || {
                let first = TABLE.insert(nth);
                gate.wait(); // All have their lease now, or none.
                let handles = [first, TABLE.insert(nth), TABLE.insert(nth)];
                TABLE.remove(handles[1]).unwrap();
                (nth, handles)
            };
            let builder = thread::Builder::new().stack_size(128 << 10);
            builder.spawn_scoped(scope, run).unwrap()
        };
        let threads: Vec<_> = (0..THREADS).map(spawn).collect();
        let joined = threads.into_iter().map(|t| t.join().unwrap());
        joined.collect::<Vec<_>>()
    });
    assert_eq!(TABLE.len(), 2 * THREADS);
    for (nth, [a, b, c]) in handles {
        assert_eq!(TABLE.cloned(a), Ok(nth));
        assert!(TABLE.get(b).is_err());
        assert_eq!(TABLE.cloned(c), Ok(nth));
    }
}

#[test]
fn threads_that_come_and_go_use_up_something() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    let table = HandleTable::builder().shards(4).build();
    for _ in 0..300 {
        together(8, |nth| {
            let handles: Vec<_> = (0..4).map(|_| table.insert(CENSUS.witness(nth))).collect();
            // Left behind by a thread that ends: deleted and not dropped, and one live.
            handles[..3].iter().for_each(|h| table.remove(*h).unwrap());
        });
        table.clear();
    }
    table.quiesce().unwrap();
    CENSUS.assert_all_dropped_once();
    // Slots, and so memory, are used again: 9,600 values were in there.
    let stats = table.stats();
    let slots = stats.vacant + stats.live + stats.pending;
    let most = if cfg!(handle_table_small) {
        2_000
    } else {
        4_000
    };
    assert!(slots < most, "{stats}");
}

#[test]
fn a_slot_freed_by_another_thread_is_not_used_again() {
    let _serial = serial();
    free_elsewhere(10_000, Box::new);
    // Plain values wait for longer, and their slots with them.
    free_elsewhere(30_000, |number| number);
}

/// One thread inserts, the other deletes, for ever; and then also what it has inserted itself, so
/// that the slots of two shards are on their way home together.
fn free_elsewhere<T: Send + Sync + 'static>(rounds: usize, make: impl Fn(usize) -> T + Sync) {
    let table = HandleTable::builder().shards(8).build();
    // The collector's queue is everyone's: what threads of other tests left in it goes first.
    table.remove(table.insert(make(0))).unwrap();
    table.quiesce().unwrap();
    let handles = Barrier::new(2);
    let word = AtomicUsize::new(0);
    together(2, |nth| {
        for n in 0..rounds {
            if nth == 0 {
                word.store(table.insert(make(n)).into_raw(), Relaxed);
            }
            handles.wait();
            if nth == 1 {
                let handle = Handle::from_raw(word.load(Relaxed)).unwrap();
                table.remove(handle).unwrap();
                if n > rounds / 2 {
                    table.remove(table.insert(make(n))).unwrap();
                }
            }
            handles.wait();
        }
    });
    table.flush();
    let stats = table.stats();
    let slots = stats.vacant + stats.live + stats.pending;
    assert!(slots < rounds * 2 / 5, "{stats}");
}

/// Which shard an insert of this thread goes to.
fn shard_of(table: &HandleTable<usize>, shards: usize) -> usize {
    let handle = table.insert(0);
    table.remove(handle).unwrap();
    shard_in(handle, shards)
}

/// For the test's eyes only: the upper bits of a handle's index say it, mixed with the table's key,
/// which is the same for all.
fn shard_in(handle: Handle, shards: usize) -> usize {
    let index_bits = if usize::BITS == 64 { 32 } else { 20 };
    (handle.into_raw() >> (index_bits - shards.ilog2())) % shards
}

#[test]
fn a_thread_that_flushes_keeps_the_slots_of_another() {
    let _serial = serial();
    let shards = if cfg!(feature = "sharded") { 8 } else { 1 };
    let table = HandleTable::<usize>::builder().shards(shards).build();
    let mine = shard_of(&table, shards);
    let turns = Barrier::new(2);
    let after = thread::scope(|scope| {
        scope.spawn(|| {
            // Full batches, which come back whole to the thread that they are of.
            let handles: Vec<_> = (0..3_000).map(|n| table.insert(n)).collect();
            let deleted = handles.into_iter().map(|handle| table.remove(handle));
            assert_eq!(deleted.filter(Result::is_ok).count(), 3_000);
            turns.wait();
            turns.wait();
        });
        turns.wait();
        table.flush();
        let after: Vec<_> = (0..4_000).map(|n| table.insert(n)).collect();
        turns.wait();
        after
    });
    assert!(after.iter().all(|handle| shard_in(*handle, shards) == mine));
}

#[test]
fn the_first_use_of_a_table_by_many_threads_makes_two() {
    let _serial = serial();
    for _ in 0..200 {
        let table = HandleTable::builder().shards(2).build();
        let handles = together(4, |nth| table.insert(nth));
        assert_eq!(table.len(), 4);
        for (nth, handle) in handles.into_iter().enumerate() {
            assert_eq!(table.cloned(handle), Ok(nth));
        }
    }
}

#[cfg(not(feature = "sharded"))]
#[test]
fn without_the_feature_there_is_more_than_one_shard() {
    let _serial = serial();
    let table = HandleTable::builder().shards(8).build();
    assert_eq!(together(4, |_| shard_of(&table, 1)), [0; 4]);
    assert_eq!(table.stats().shards, 1);
}

#[cfg(feature = "sharded")]
mod sharded {
    use super::*;
    use common::aside;
    use std::collections::HashMap;

    #[test]
    fn a_thread_that_ends_keeps_its_shard() {
        let _serial = serial();
        const SHARDS: usize = 8;
        let table = HandleTable::builder().shards(SHARDS).build();
        let count = |shards: &[usize]| {
            let mut count = HashMap::new();
            shards
                .iter()
                .for_each(|s| *count.entry(*s).or_insert(0) += 1);
            count
        };

        // Sixteen at a time: an owner for each shard but one, which the others share.
        let gate = Barrier::new(16);
        let at_once = together(16, |_| {
            let first = shard_of(&table, SHARDS);
            gate.wait();
            assert_eq!(shard_of(&table, SHARDS), first, "a thread keeps its shard");
            gate.wait();
            first
        });
        let at_once = count(&at_once);
        let shared: Vec<_> = at_once.iter().filter(|(_, n)| **n > 1).collect();
        assert_eq!(shared.len(), 1, "{at_once:?}");
        let shared = *shared[0].0;

        // Thousands, one after the other: each finds a shard of its own.
        let one_by_one: Vec<_> = (0..2_000)
            .map(|_| aside(|| shard_of(&table, SHARDS)))
            .collect();
        assert!(!one_by_one.contains(&shared), "leases were not given back");
    }

    #[test]
    fn a_table_gets_another_number_of_shards_than_was_asked_for() {
        let _serial = serial();
        for (asked, given) in [
            (0, 1),
            (1, 1),
            (2, 2),
            (3, 4),
            (1000, 1024),
            (usize::MAX, 1024),
        ] {
            let table = HandleTable::builder().shards(asked).build();
            table.insert(0);
            assert_eq!(table.stats().shards, given, "{asked}");
        }
        let table = HandleTable::new();
        table.insert(0);
        let shards = table.stats().shards;
        assert!(shards >= 8 && shards.is_power_of_two(), "{shards}");
    }
}
