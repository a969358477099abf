//! Many threads at once: each value goes to one of them.

use std::sync::{
    atomic::{AtomicUsize, Ordering::SeqCst},
    Barrier, Mutex,
};

use handle_table::{Handle, HandleError};

use crate::{
    assert_empty,
    common::{run_concurrently, scaled, Census, Rng, Witness},
    kinds,
};

const THREADS: usize = 8;

#[test]
fn of_eight_threads_one_takes_each_value() {
    static CENSUS: Census = Census::new();
    const VALUES: usize = 400;
    for table in kinds::<Witness>() {
        let handles: Vec<_> = (0..VALUES).map(|n| table.insert(CENSUS.witness(n))).collect();
        let starts: Vec<_> = (0..VALUES / 8).map(|_| Barrier::new(THREADS)).collect();
        let won = run_concurrently(THREADS, |thread| {
            let mut won = 0;
            for (nth, handle) in handles.iter().enumerate() {
                if nth % 8 == 0 {
                    starts[nth / 8].wait();
                }
                // One of four removes.
                let result = if thread % 4 == 3 {
                    table.remove(*handle)
                } else {
                    table.take(*handle).map(|value| assert_eq!(value.look(), nth))
                };
                match result {
                    Ok(()) => won += 1,
                    Err(error) => assert!(matches!(error, HandleError::Deleted { .. })),
                }
            }
            won
        });
        assert_eq!(won.iter().sum::<usize>(), VALUES, "{won:?}");
        CENSUS.assert_all_dropped_once();
        assert_empty(&table);
    }
}

#[test]
fn eight_threads_that_insert_and_take_lose_and_double_nothing() {
    static CENSUS: Census = Census::new();
    const TURNS: usize = scaled(10_000);
    for table in kinds::<Witness>() {
        // Handles that any thread may take, or have taken.
        let board: [AtomicUsize; 16] = Default::default();
        let taken = run_concurrently(THREADS, |thread| {
            let mut rng = Rng(thread as u64);
            let mut taken = 0;
            for turn in 0..TURNS {
                let entry = &board[rng.below(board.len())];
                if turn % 2 == 0 {
                    let handle = table.insert(CENSUS.witness(turn));
                    if let Ok(old) = Handle::from_raw(entry.swap(handle.to_raw(), SeqCst)) {
                        taken +=
                            usize::from(table.take(old).is_ok_and(|value| value.look() < TURNS));
                    }
                } else if let Ok(handle) = Handle::from_raw(entry.load(SeqCst)) {
                    // Left on the board: others try it, too.
                    taken +=
                        usize::from(table.take(handle).is_ok_and(|value| value.look() < TURNS));
                }
            }
            taken
        });
        let left: Vec<_> = table.drain().map(|(_, value)| value.look()).collect();
        assert_eq!(taken.iter().sum::<usize>() + left.len(), THREADS * TURNS / 2);
        CENSUS.assert_all_dropped_once();
        assert_empty(&table);
    }
}

#[test]
fn what_one_thread_inserts_and_another_takes_uses_slots_again() {
    const ROUNDS: usize = scaled(200);
    for table in kinds() {
        let (turns, passed) = (Barrier::new(2), Mutex::new(Vec::new()));
        run_concurrently(2, |thread| {
            for round in 0..ROUNDS {
                if thread == 0 {
                    let insert = |n| (table.insert(round + n), round + n);
                    *passed.lock().unwrap() = (0..100).map(insert).collect();
                }
                turns.wait();
                if thread == 1 {
                    for (handle, number) in passed.lock().unwrap().drain(..) {
                        assert_eq!(table.take(handle), Ok(number));
                    }
                }
                turns.wait();
            }
        });
        assert_empty(&table);
        let stats = table.stats();
        // 20,000 values were in there, 100 at a time. Up to 127 of their slots wait with the thread
        // that takes. With shrunken widths, a slot has six uses.
        let most = if cfg!(handle_table_small) { 100 * ROUNDS / 5 } else { 400 };
        assert!(stats.vacant + stats.exhausted <= most, "{stats}");
    }
}
