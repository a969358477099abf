//! More threads than shards, and threads that come and go.

use std::{
    sync::{
        atomic::{AtomicUsize, Ordering::Relaxed},
        Barrier,
    },
    thread,
};

use handle_table::{Handle, HandleTable};

use crate::{
    common::{run_concurrently, Census},
    serial::serial,
};

/// Inserts, looks up and deletes values, in all ways. No other thread deletes them.
fn work(table: &HandleTable<usize>, nth: usize, turns: usize) {
    let mut mine = Vec::new();
    for n in 0..turns {
        let handle =
            if n % 3 == 0 { table.insert_with(|_| nth + n) } else { table.insert(nth + n) };
        mine.push((handle, nth + n));
        if n % 2 == 1 {
            let (handle, value) = mine.swap_remove(n / 2 % mine.len());
            assert_eq!(*table.get(handle).unwrap(), value);
            match n % 5 {
                0 => drop(table.remove_now(handle).unwrap()),
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
fn threads_without_a_shard_work_and_lose_no_value() {
    let _serial = serial();
    for shards in [1, 2, 4, 64] {
        let table = HandleTable::builder().shards(shards).build();
        // No thread ends, and gives its lease back, until all are done.
        let all_done = Barrier::new(24);
        run_concurrently(24, |nth| {
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
fn more_threads_than_there_are_leases_work() {
    let _serial = serial();
    const THREADS: usize = 1_100;
    static TABLE: HandleTable<usize> = HandleTable::builder().shards(1024).build();
    let gate = &Barrier::new(THREADS);
    let handles = thread::scope(|scope| {
        let spawn = |nth| {
            let run = move || {
                let first = TABLE.insert(nth);
                gate.wait(); // By now each thread has a lease, or found none left.
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
fn threads_that_come_and_go_use_slots_again() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    let table = HandleTable::builder().shards(4).build();
    for _ in 0..1_000 {
        run_concurrently(8, |nth| {
            let handles: Vec<_> = (0..4).map(|_| table.insert(CENSUS.witness(nth))).collect();
            // What an ended thread leaves: three values deleted and not yet dropped, one live.
            handles[..3].iter().for_each(|h| table.remove(*h).unwrap());
        });
        table.clear();
    }
    table.quiesce().unwrap();
    CENSUS.assert_all_dropped_once();
    // Slots, and so memory, are used again: 32,000 values were in there, and their slots wait at
    // most for five batches of 256 deletes in each of the 4 shards, which are 5,120.
    let stats = table.stats();
    let slots = stats.vacant + stats.live + stats.pending;
    let most = if cfg!(handle_table_small) { 2_000 } else { 6_000 };
    assert!(slots < most, "{stats}");
}

#[test]
fn a_slot_freed_by_another_thread_is_used_again() {
    let _serial = serial();
    free_elsewhere(10_000, Box::new);
    // Batches of trivial values are larger, so their slots wait for longer.
    free_elsewhere(30_000, |number| number);
}

/// One thread inserts what the other deletes. In the second half the other also deletes values of
/// its own, so that slots of two shards are freed together.
fn free_elsewhere<T: Send + Sync + 'static>(rounds: usize, make: impl Fn(usize) -> T + Sync) {
    let table = HandleTable::builder().shards(8).build();
    // First finish what threads of other tests have left in the queue of the collector.
    table.remove(table.insert(make(0))).unwrap();
    table.quiesce().unwrap();
    let turns = Barrier::new(2);
    let word = AtomicUsize::new(0);
    run_concurrently(2, |nth| {
        for n in 0..rounds {
            if nth == 0 {
                word.store(table.insert(make(n)).to_raw(), Relaxed);
            }
            turns.wait();
            if nth == 1 {
                let handle = Handle::from_raw(word.load(Relaxed)).unwrap();
                table.remove(handle).unwrap();
                if n > rounds / 2 {
                    table.remove(table.insert(make(n))).unwrap();
                }
            }
            turns.wait();
        }
    });
    table.flush();
    let stats = table.stats();
    let slots = stats.vacant + stats.live + stats.pending;
    assert!(slots < rounds * 2 / 5, "{stats}");
}

/// Which shard an insert of this thread goes to.
fn own_shard(table: &HandleTable<usize>, shards: usize) -> usize {
    let handle = table.insert(0);
    table.remove(handle).unwrap();
    shard_in(handle, shards)
}

/// Which shard a handle's slot is in. The API does not tell, and no user needs it. These tests are
/// about shards, so they read the upper bits of the handle's index, where `docs/DESIGN.md` puts the
/// shard's number. The key of a table only renumbers its shards.
fn shard_in(handle: Handle<usize>, shards: usize) -> usize {
    const INDEX_BITS: u32 = match usize::BITS {
        _ if cfg!(handle_table_small) => 18,
        64 => 32,
        _ => 20,
    };
    (handle.to_raw() >> (INDEX_BITS - shards.ilog2())) % shards
}

// With shrunken widths every shard is a large one, and those take what others have too much of.
#[cfg(not(handle_table_small))]
#[test]
fn a_thread_that_flushes_takes_no_slots_of_another() {
    let _serial = serial();
    let shards = if cfg!(feature = "sharded") { 8 } else { 1 };
    let table = HandleTable::<usize>::builder().shards(shards).build();
    let mine = own_shard(&table, shards);
    let turns = Barrier::new(2);
    let after = thread::scope(|scope| {
        scope.spawn(|| {
            // Full batches, whose slots this thread is to use again as they are.
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
fn threads_that_first_use_a_table_at_once_share_it() {
    let _serial = serial();
    for _ in 0..200 {
        let table = HandleTable::builder().shards(2).build();
        let handles = run_concurrently(4, |nth| table.insert(nth));
        assert_eq!(table.len(), 4);
        for (nth, handle) in handles.into_iter().enumerate() {
            assert_eq!(table.cloned(handle), Ok(nth));
        }
    }
}

#[cfg(not(feature = "sharded"))]
#[test]
fn without_the_feature_sharded_a_table_has_one_shard() {
    let _serial = serial();
    let table = HandleTable::builder().shards(8).build();
    assert_eq!(run_concurrently(4, |_| own_shard(&table, 1)), [0; 4]);
    assert_eq!(table.stats().shards, 1);
}

#[cfg(feature = "sharded")]
mod sharded {
    use super::*;
    use crate::common::on_new_thread;
    use std::collections::HashMap;

    #[test]
    fn a_thread_that_ends_gives_its_shard_back() {
        let _serial = serial();
        const SHARDS: usize = 8;
        let table = HandleTable::builder().shards(SHARDS).build();
        let count = |shards: &[usize]| {
            let mut count = HashMap::new();
            shards.iter().for_each(|s| *count.entry(*s).or_insert(0) += 1);
            count
        };

        // Sixteen at a time: each shard has an owner, but for one that all other threads share.
        let gate = Barrier::new(16);
        let at_once = run_concurrently(16, |_| {
            let first = own_shard(&table, SHARDS);
            gate.wait();
            assert_eq!(own_shard(&table, SHARDS), first, "a thread keeps its shard");
            gate.wait();
            first
        });
        let at_once = count(&at_once);
        let shared: Vec<_> = at_once.iter().filter(|(_, n)| **n > 1).collect();
        assert_eq!(shared.len(), 1, "{at_once:?}");
        let shared = *shared[0].0;

        // Thousands, one after the other: each finds a shard that it can own.
        let one_by_one: Vec<_> =
            (0..2_000).map(|_| on_new_thread(|| own_shard(&table, SHARDS))).collect();
        assert!(!one_by_one.contains(&shared), "leases were not given back");
    }

    #[test]
    fn the_number_of_shards_is_rounded_up_to_a_power_of_two() {
        let _serial = serial();
        for (asked, given) in [(0, 1), (1, 1), (2, 2), (3, 4), (1000, 1024), (usize::MAX, 1024)] {
            let table = HandleTable::builder().shards(asked).build();
            let _ = table.insert(0);
            assert_eq!(table.stats().shards, given, "{asked}");
        }
        let table = HandleTable::new();
        let _ = table.insert(0);
        let shards = table.stats().shards;
        assert!(shards >= 8 && shards.is_power_of_two(), "{shards}");
    }
}
