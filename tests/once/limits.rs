//! Full tables, and slots that have used up their generations.

use std::{
    collections::HashSet,
    panic::{catch_unwind, AssertUnwindSafe},
    sync::{
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
        Arc,
    },
};

use handle_table::{HandleTable, OnceTable};

use crate::{
    assert_empty,
    common::{on_new_thread, run_concurrently, Census},
};

#[test]
fn a_full_table_gives_the_value_back() {
    static CENSUS: Census = Census::new();
    for shards in [1, 2, 8] {
        let table = OnceTable::builder().shards(shards).max_handles(3).build();
        let handles = [1, 2, 3].map(|n| table.insert(CENSUS.witness(n)));
        let refused = table.try_insert(CENSUS.witness(4)).unwrap_err();
        assert_eq!(refused.into_inner().look(), 4);
        assert!(table.try_insert_with(|_| unreachable!("it is full")).is_err());
        let insert = || table.insert(CENSUS.witness(6));
        assert!(catch_unwind(AssertUnwindSafe(insert)).is_err());
        assert_eq!(CENSUS.left(), 3);

        // Each way to be rid of a value makes room for one, at once and on any thread.
        let room = |is_free: bool| {
            on_new_thread(|| {
                let inserted = table.try_insert(CENSUS.witness(7));
                assert_eq!(inserted.is_ok(), is_free);
                inserted.ok()
            })
        };
        let value = table.take(handles[0]).unwrap();
        assert!(room(true).is_some() && room(false).is_none());
        table.remove(handles[1]).unwrap();
        assert!(room(true).is_some() && room(false).is_none());
        let (_, drained) = table.drain().next().unwrap();
        assert_eq!(table.len(), 0, "the rest of the drain is removed");
        let again = [(); 3].map(|()| room(true));
        assert!(again.iter().all(Option::is_some) && room(false).is_none());
        drop((value, drained, table));
        CENSUS.assert_all_dropped_once();
    }
}

#[test]
fn a_panic_in_insert_with_returns_its_place() {
    let table = OnceTable::<u8>::builder().max_handles(1).build();
    for _ in 0..10 {
        let insert = || table.insert_with(|_| std::panic::resume_unwind(Box::new(())));
        assert!(catch_unwind(AssertUnwindSafe(insert)).is_err());
    }
    let handle = table.insert_with(|me| {
        assert!(table.try_insert(2).is_err(), "a handle that is shown counts");
        assert!(table.take(me).is_err());
        1
    });
    assert_eq!(table.take(handle), Ok(1));
}

#[test]
fn a_limit_holds_for_all_threads_together() {
    const MOST: usize = 3;
    let table = OnceTable::builder().max_handles(MOST).build();
    let (live, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let inserted = run_concurrently(8, |nth| {
        let mut inserted = 0;
        for _ in 0..2_000 {
            let Ok(handle) = table.try_insert(nth) else { continue };
            inserted += 1;
            if live.fetch_add(1, SeqCst) >= MOST {
                over.store(true, SeqCst);
            }
            live.fetch_sub(1, SeqCst);
            assert_eq!(table.take(handle), Ok(nth));
        }
        inserted
    });
    assert!(!over.load(SeqCst), "more handles than allowed");
    assert!(inserted.iter().sum::<usize>() > 0);
    assert_empty(&table);
}

/// An insert into a full `HandleTable` drops what waits. Here nothing can wait.
#[test]
fn an_insert_into_a_full_table_runs_no_drop() {
    let dropped = Arc::new(AtomicBool::new(false));
    struct Flag(Arc<AtomicBool>);
    impl Drop for Flag {
        fn drop(&mut self) {
            self.0.store(true, SeqCst);
        }
    }
    let batches = HandleTable::builder().batch(100).build();
    let waits = batches.insert(Flag(Arc::clone(&dropped)));
    batches.remove(waits).unwrap();
    let table = OnceTable::builder().max_handles(0).build();
    assert!(table.try_insert(7).is_err());
    assert!(!dropped.load(SeqCst));
    drop(batches);
    assert!(dropped.load(SeqCst));
}

/// So often a slot is used.
const USES: usize = match usize::BITS {
    _ if cfg!(handle_table_small) => 6,
    32 => (1 << 10) - 1,
    _ => (1 << 30) - 1,
};

#[test]
fn a_slot_without_generations_is_not_used_again() {
    for shards in [1, 2, 8] {
        let table = OnceTable::builder().shards(shards).build();
        let mut seen = HashSet::new();
        for turn in 0..3_000 {
            let handle = table.insert(turn);
            assert!(seen.insert(handle), "issued twice");
            if turn % 3 == 0 {
                on_new_thread_every(100, turn, || assert_eq!(table.take(handle), Ok(turn)));
            } else {
                table.remove(handle).unwrap();
            }
        }
        assert!(seen.iter().all(|handle| table.take(*handle).is_err()));
        let stats = table.stats();
        // Those that other threads return wait for a while, so a few are not used up yet.
        let least = (3_000 / USES).saturating_sub(10);
        assert!((least..=3_000 / USES).contains(&stats.exhausted), "{stats}");
        assert_empty(&table);
    }
}

/// Runs `f` on this thread, and each `nth` time on another one, which has to return the slot.
fn on_new_thread_every(nth: usize, turn: usize, f: impl FnOnce() + Send) {
    if turn / 3 % nth == 0 {
        on_new_thread(f);
    } else {
        f();
    }
}
