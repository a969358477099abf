//! Every value is dropped exactly once, and never while a reader sees it.
#![cfg(not(loom))]

mod common;

use std::{
    sync::{
        atomic::{
            AtomicBool, AtomicUsize,
            Ordering::{AcqRel, Acquire, Relaxed},
        },
        Arc,
    },
    thread,
};

use common::{aside, together, Census, Rng, SetAtEnd, Witness};
use handle_table::{Handle, HandleTable};

/// Threads that do all there is to do with the same few handles, chosen at random.
fn storm<T>(
    table: HandleTable<T>,
    turns: usize,
    make: impl Fn(usize) -> T + Sync,
    look: impl Fn(&T) -> usize + Sync,
) where
    T: Send + Sync + 'static,
{
    // Raw handles, live or stale, that all threads work on; zero where there was none yet.
    let board: [AtomicUsize; 32] = Default::default();
    together(4, |nth| {
        let mut rng = Rng(nth as u64 + 1);
        for turn in 0..turns {
            let place = &board[rng.below(board.len())];
            let Ok(handle) = Handle::from_raw(place.load(Acquire)) else {
                place.store(table.insert(make(turn)).into_raw(), Relaxed);
                continue;
            };
            match rng.below(64) {
                0..=23 => {
                    let new = table.insert(make(turn));
                    let old = place.swap(new.into_raw(), AcqRel);
                    let _ = table.remove(Handle::from_raw(old).unwrap());
                }
                24..=39 => {
                    if let Ok(value) = table.get(handle) {
                        let number = look(&value);
                        thread::yield_now();
                        assert_eq!(look(&value), number);
                    }
                }
                40..=47 => {
                    let mut pinned = table.pin();
                    for place in &board {
                        let handle = Handle::from_raw(place.load(Acquire));
                        if let Some(value) = handle.ok().and_then(|h| pinned.get(h).ok()) {
                            look(value);
                        }
                    }
                    pinned.repin();
                    let _ = pinned.get(handle).map(&look);
                    pinned.iter().take(8).for_each(|(_, value)| {
                        look(value);
                    });
                }
                48..=51 => drop(table.remove(handle)),
                52..=54 => {
                    if let Ok(value) = table.remove_ref(handle) {
                        look(&value);
                        thread::yield_now();
                        look(&value);
                    }
                }
                55..=57 => drop(table.remove_now(handle)),
                58 => drop(table.insert_with(|_| make(turn))),
                59 => table.flush(),
                60 if turn % 8 == 0 => table.quiesce().unwrap(),
                61 => table.retain(|_, value| look(value) % 3 != 0),
                62 if turn % 16 == 0 => table.clear(),
                _ => assert!(table.stats().live < turns * 4),
            }
        }
    });
    // With live and with deleted values in it.
    drop(table);
}

const TURNS: usize = 5_000;

#[test]
fn a_value_in_a_table_of_default_size_is_dropped_twice_or_never_or_too_early() {
    static CENSUS: Census = Census::new();
    storm(
        HandleTable::new(),
        TURNS,
        |n| CENSUS.witness(n),
        Witness::look,
    );
    CENSUS.assert_all_dropped_once();
}

#[test]
fn a_value_in_one_shared_shard_is_dropped_twice_or_never_or_too_early() {
    static CENSUS: Census = Census::new();
    let table = HandleTable::builder().shards(1).build();
    storm(table, TURNS, |n| CENSUS.witness(n), Witness::look);
    CENSUS.assert_all_dropped_once();
}

#[test]
fn a_value_in_a_crowded_table_is_dropped_twice_or_never_or_too_early() {
    static CENSUS: Census = Census::new();
    let table = HandleTable::builder()
        .shards(2)
        .max_handles(1 << 20)
        .build();
    storm(table, TURNS, |n| CENSUS.witness(n), Witness::look);
    CENSUS.assert_all_dropped_once();
}

/// Past the bytes that a batch or a cache of nodes may have, each delete is a batch of its own.
#[test]
fn a_huge_value_is_dropped_twice_or_never_or_too_early() {
    static CENSUS: Census = Census::new();
    let make = |n| (CENSUS.witness(n), [n as u8; 70_000]);
    let look = |value: &(Witness, [u8; 70_000])| {
        assert_eq!(value.1[69_999], value.0.number as u8);
        value.0.look()
    };
    storm(HandleTable::new(), 500, make, look);
    CENSUS.assert_all_dropped_once();
}

#[test]
fn a_value_of_no_size_is_dropped_twice_or_never() {
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    struct Empty;
    impl Drop for Empty {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, Relaxed);
        }
    }
    let made = AtomicUsize::new(0);
    let make = |_| {
        made.fetch_add(1, Relaxed);
        Empty
    };
    storm(HandleTable::new(), 1_000, make, |_| 1);
    assert_eq!(DROPPED.load(Acquire), made.into_inner());
}

#[test]
fn a_value_that_wants_alignment_does_not_get_it() {
    #[repr(align(256))]
    struct Aligned(Witness);
    static CENSUS: Census = Census::new();
    let look = |value: &Aligned| {
        assert_eq!(std::ptr::from_ref(value).addr() % 256, 0);
        value.0.look()
    };
    storm(
        HandleTable::new(),
        1_000,
        |n| Aligned(CENSUS.witness(n)),
        look,
    );
    CENSUS.assert_all_dropped_once();
}

#[test]
fn a_batch_and_a_flush_drop_the_same_value() {
    static CENSUS: Census = Census::new();
    // Two that delete, and so drop batches; two that flush, and so drop what they find.
    for shards in [1, 4] {
        let table = HandleTable::builder().shards(shards).build();
        let done = [const { AtomicBool::new(false) }; 2];
        together(4, |nth| {
            if nth < 2 {
                let _done = SetAtEnd(&done[nth]);
                for n in 0..20_000 {
                    table.remove(table.insert(CENSUS.witness(n))).unwrap();
                }
            } else {
                while !done[nth - 2].load(Acquire) {
                    table.flush();
                }
            }
        });
        drop(table);
        CENSUS.assert_all_dropped_once();
    }
}

#[test]
fn dropping_a_table_loses_live_values_or_those_still_waiting() {
    static CENSUS: Census = Census::new();
    for removed in [0, 1, 3, 100, 256, 600] {
        let table = HandleTable::new();
        let handles: Vec<_> = (0..700).map(|n| table.insert(CENSUS.witness(n))).collect();
        // By an ended thread, by this one, and by a walker that leaves the slot in its batch.
        aside(|| {
            for handle in &handles[..removed] {
                table.remove(*handle).unwrap();
            }
        });
        for handle in &handles[removed..][..removed.min(700 - removed) / 2] {
            table.remove(*handle).unwrap();
        }
        let _ = table.insert(CENSUS.witness(700));
        let _ = table.remove_now(handles[699]);
        drop(table);
        CENSUS.assert_all_dropped_once();
    }
}

#[test]
fn dropping_a_table_on_another_thread_loses_values() {
    static CENSUS: Census = Census::new();
    let table = HandleTable::new();
    for n in 0..1_000 {
        let handle = table.insert(CENSUS.witness(n));
        if n % 2 == 0 {
            table.remove(handle).unwrap();
        }
    }
    aside(move || drop(table));
    CENSUS.assert_all_dropped_once();
}

#[test]
fn a_table_that_was_never_used_drops_what_it_does_not_have() {
    let table = HandleTable::<Witness>::new();
    table.flush();
    table.clear();
    table.quiesce().unwrap();
    assert_eq!(table.pin().iter().count(), 0);
    assert_eq!(table.stats(), handle_table::Stats::default());
}

#[test]
fn tables_that_come_and_go_leave_something_behind() {
    static CENSUS: Census = Census::new();
    together(4, |_| {
        for n in 0..100 {
            let table = HandleTable::builder().shards(4).build();
            let handles: Vec<_> = (0..20).map(|_| table.insert(CENSUS.witness(n))).collect();
            handles[..10].iter().for_each(|h| table.remove(*h).unwrap());
        }
    });
    CENSUS.assert_all_dropped_once();
}

#[test]
fn a_process_wide_value_is_dropped_twice_or_never_or_too_early() {
    static CENSUS: Census = Census::new();
    together(4, |nth| {
        let mut rng = Rng(nth as u64);
        for n in 0..TURNS {
            // In place, and in a box of its own.
            let small = Handle::new(Arc::new(CENSUS.witness(n)));
            let large = Handle::new((CENSUS.witness(n), [n; 4]));
            let value = large.value::<(Witness, [usize; 4])>();
            small.delete();
            large.delete();
            assert_eq!(value.0.look(), value.1[rng.below(4)]);
            assert!(small.try_value::<Arc<Witness>>().is_err());
        }
    });
    Handle::quiesce().unwrap();
    CENSUS.assert_all_dropped_once();
}
