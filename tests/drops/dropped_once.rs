//! Every value is dropped exactly once, and never while a reader sees it.

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

use handle_table::{Handle, HandleTable};

use crate::common::{
    eventually, on_new_thread, run_concurrently, scaled, table_kinds, Census, Rng, SetOnDrop,
    Witness,
};

/// Four threads call all verbs on a few handles that they share, at random, and then the table is
/// dropped with live and with deleted values in it.
fn storm<T>(
    table: HandleTable<T>,
    turns: usize,
    make: impl Fn(usize) -> T + Sync,
    look: impl Fn(&T) -> usize + Sync,
) where
    T: Send + Sync + 'static,
{
    // The shared handles, live or stale, as integers; zero before the first.
    let board: [AtomicUsize; 32] = Default::default();
    run_concurrently(4, |nth| {
        let mut rng = Rng(nth as u64 + 1);
        for turn in 0..turns {
            let entry = &board[rng.below(board.len())];
            let Ok(handle) = Handle::from_raw(entry.load(Acquire)) else {
                entry.store(table.insert(make(turn)).to_raw(), Relaxed);
                continue;
            };
            match rng.below(64) {
                0..=23 => {
                    let new = table.insert(make(turn));
                    let old = entry.swap(new.to_raw(), AcqRel);
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
                    for entry in &board {
                        let handle = Handle::from_raw(entry.load(Acquire));
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
                59 => drop(table.flush()),
                60 if turn % 8 == 0 => table.quiesce().unwrap(),
                61 => drop(table.retain(|_, value| look(value) % 3 != 0)),
                62 if turn % 16 == 0 => drop(table.clear()),
                _ => assert!(table.stats().live < turns * 4),
            }
        }
    });
    drop(table);
}

const TURNS: usize = scaled(5_000);

#[test]
fn each_value_is_dropped_exactly_once_and_never_under_a_reader() {
    static CENSUS: Census = Census::new();
    for table in table_kinds() {
        storm(table, TURNS, |n| CENSUS.witness(n), Witness::look);
        CENSUS.assert_all_dropped_once();
    }
}

/// A value as large as this is a batch by itself.
#[test]
fn a_large_value_is_dropped_exactly_once() {
    static CENSUS: Census = Census::new();
    let make = |n| (CENSUS.witness(n), [n as u8; 70_000]);
    let look = |value: &(Witness, [u8; 70_000])| {
        let number = value.0.look();
        assert_eq!(value.1[69_999], number as u8);
        number
    };
    storm(HandleTable::new(), 500, make, look);
    CENSUS.assert_all_dropped_once();
}

#[test]
fn a_value_of_no_size_is_dropped_exactly_once() {
    static CENSUS: Census = Census::new();
    struct Empty;
    impl Drop for Empty {
        fn drop(&mut self) {
            CENSUS.count_dropped();
        }
    }
    let make = |_| {
        CENSUS.count_made();
        Empty
    };
    storm(HandleTable::new(), 1_000, make, |_| 1);
    CENSUS.assert_all_dropped_once();
}

#[test]
fn a_value_is_aligned_as_its_type_demands() {
    #[repr(align(64))]
    struct InSlot(Witness);
    #[repr(align(256))]
    struct InBox(Witness);
    static CENSUS: Census = Census::new();
    let look = |value: &InSlot| {
        assert_eq!(std::ptr::from_ref(value).addr() % 64, 0);
        value.0.look()
    };
    storm(HandleTable::new(), 1_000, |n| InSlot(CENSUS.witness(n)), look);
    let look = |value: &InBox| {
        assert_eq!(std::ptr::from_ref(value).addr() % 256, 0);
        value.0.look()
    };
    storm(HandleTable::new(), 1_000, |n| InBox(CENSUS.witness(n)), look);
    CENSUS.assert_all_dropped_once();
}

#[test]
fn a_batch_and_a_flush_never_drop_the_same_value() {
    static CENSUS: Census = Census::new();
    // Two threads delete, and so drop whole batches. Two others flush, and so drop single values.
    for shards in [1, 4] {
        let table = HandleTable::builder().shards(shards).build();
        let done = [const { AtomicBool::new(false) }; 2];
        run_concurrently(4, |nth| {
            if nth < 2 {
                let _done = SetOnDrop(&done[nth]);
                for n in 0..scaled(20_000) {
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
fn a_dropped_table_drops_live_values_and_those_that_wait() {
    static CENSUS: Census = Census::new();
    for removed in [0, 1, 3, 100, 256, 600] {
        let table = HandleTable::new();
        let handles: Vec<_> = (0..700).map(|n| table.insert(CENSUS.witness(n))).collect();
        // Deleted by a thread that has ended; by this one; and with `remove_now`, which leaves an
        // empty slot in a batch.
        on_new_thread(|| {
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
fn a_table_dropped_on_another_thread_drops_its_values() {
    static CENSUS: Census = Census::new();
    let table = HandleTable::new();
    for n in 0..1_000 {
        let handle = table.insert(CENSUS.witness(n));
        if n % 2 == 0 {
            table.remove(handle).unwrap();
        }
    }
    on_new_thread(move || drop(table));
    CENSUS.assert_all_dropped_once();
}

#[test]
fn a_table_that_was_never_used_has_nothing_to_drop() {
    let table = HandleTable::<Witness>::new();
    table.flush();
    table.clear();
    table.quiesce().unwrap();
    assert_eq!(table.pin().iter().count(), 0);
    let stats = table.stats();
    assert_eq!((stats.live, stats.shards, stats.bytes, stats.issued), (0, 0, 0, 0), "{stats}");
}

#[test]
fn tables_that_come_and_go_leave_no_value_behind() {
    static CENSUS: Census = Census::new();
    run_concurrently(4, |_| {
        for n in 0..100 {
            let table = HandleTable::builder().shards(4).build();
            let handles: Vec<_> = (0..20).map(|_| table.insert(CENSUS.witness(n))).collect();
            handles[..10].iter().for_each(|h| table.remove(*h).unwrap());
        }
    });
    CENSUS.assert_all_dropped_once();
}

#[test]
fn a_process_wide_value_is_dropped_exactly_once() {
    static CENSUS: Census = Census::new();
    run_concurrently(4, |nth| {
        let mut rng = Rng(nth as u64);
        for n in 0..TURNS {
            // One lies in its slot, the other in a box of its own.
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

/// Also a reader without a record, as all are in some builds.
#[test]
fn repins_drop_what_was_deleted_before() {
    static CENSUS: Census = Census::new();
    let table = HandleTable::new();
    let mut pinned = table.pin();
    for n in 0..100 {
        table.remove(table.insert(CENSUS.witness(n))).unwrap();
    }
    assert_eq!(CENSUS.left(), 100);
    eventually("all are dropped", || {
        pinned.repin();
        CENSUS.left() == 0
    });
    drop(pinned);
    CENSUS.assert_all_dropped_once();
}
