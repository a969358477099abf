//! Many threads on one table: no value is lost, or dropped under a reader, or taken for another.

use std::{
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    thread,
};

use handle_table::{AnyTable, Handle, HandleError};

use crate::{
    common::{run_concurrently, scaled, Census, Rng, Witness},
    kinds,
    serial::serial,
    Aligned, Large, Value,
};

const THREADS: usize = 4;
const TURNS: usize = scaled(3_000);

/// Asks for a `V`; a handle that is not null, and was issued, gives the value or one of two errors.
/// Returns whether it was a `V`.
fn look<V: Value>(table: &AnyTable, raw: usize) -> bool {
    let Ok(handle) = Handle::from_raw(raw) else { return false };
    match table.get::<V>(handle) {
        Ok(value) => {
            // A fault of the census if it was dropped.
            value.number();
            true
        }
        Err(HandleError::Deleted { .. } | HandleError::WrongType { .. }) => false,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn readers_see_a_value_as_its_own_type_or_not_at_all() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for table in kinds() {
        let board: [AtomicUsize; 8] = Default::default();
        let looks = run_concurrently(THREADS, |nth| {
            let (mut random, mut looks) = (Rng(nth as u64), 0);
            for turn in 0..TURNS {
                let entry = &board[random.below(board.len())];
                let kind = random.below(3);
                let raw = entry.load(Relaxed);
                let kinds = [
                    look::<Witness>(&table, raw),
                    look::<Large>(&table, raw),
                    look::<Aligned>(&table, raw),
                ];
                let as_kinds = kinds.into_iter().filter(|is| *is).count();
                assert!(as_kinds <= 1, "a value of two types");
                looks += as_kinds;

                let witness = CENSUS.witness(turn);
                let handle = match kind {
                    0 => table.insert(witness),
                    1 => table.insert(Large::new(witness)),
                    _ => table.insert(Aligned::new(witness)),
                };
                if let Ok(old) = Handle::from_raw(entry.swap(handle.to_raw(), Relaxed)) {
                    // One of these fits, and the others leave the value to it.
                    let deleted = [
                        table.remove_as::<Witness>(old).is_ok(),
                        table.remove_as::<Large>(old).is_ok(),
                        table.remove_ref::<Aligned>(old).is_ok(),
                    ];
                    assert_eq!(deleted.into_iter().filter(|is| *is).count(), 1);
                }
            }
            looks
        });
        assert_ne!(looks.into_iter().sum::<usize>(), 0, "nobody saw a value");
        assert_eq!(table.clear(), board.iter().filter(|entry| entry.load(Relaxed) != 0).count());
        table.quiesce().unwrap();
        CENSUS.assert_all_dropped_once();
    }
}

#[test]
fn one_of_many_deletes_of_a_handle_succeeds() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for table in kinds() {
        let insert = |number| table.insert(Large::new(CENSUS.witness(number)));
        let handles: Vec<_> = (0..TURNS).map(insert).collect();
        let deleted = run_concurrently(THREADS, |nth| {
            let delete = |(number, handle): (usize, &Handle<_>)| match nth {
                0 => table.remove(*handle).is_ok(),
                1 => table.remove_as::<Large>(*handle).is_ok(),
                2 => table.remove_ref::<Large>(*handle).is_ok_and(|value| value.number() == number),
                // This one never does.
                _ => table.remove_as::<Witness>(*handle).is_ok(),
            };
            handles.iter().enumerate().filter(|each| delete(*each)).count()
        });
        assert_eq!((deleted.iter().sum::<usize>(), deleted[3]), (TURNS, 0));
        table.quiesce().unwrap();
        CENSUS.assert_all_dropped_once();
    }
}

/// A look at the value, and then a delete by the other thread, must not count as a delete.
#[test]
fn one_of_two_deletes_at_one_moment_succeeds() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    let table = AnyTable::new();
    let insert = |number| table.insert(CENSUS.witness(number));
    let handles: Vec<_> = (0..2 * TURNS).map(insert).collect();
    let arrived = AtomicUsize::new(0);
    let deleted = run_concurrently(2, |nth| {
        let delete = |(number, handle): (usize, &Handle<_>)| {
            arrived.fetch_add(1, Relaxed);
            while arrived.load(Relaxed) < 2 * (number + 1) {
                thread::yield_now();
            }
            match (nth, number % 2) {
                (0, _) => table.remove(*handle).is_ok(),
                (_, 0) => table.remove_ref::<Witness>(*handle).is_ok(),
                _ => table.remove_as::<Witness>(*handle).is_ok(),
            }
        };
        handles.iter().enumerate().filter(|each| delete(*each)).count()
    });
    assert_eq!(deleted.iter().sum::<usize>(), handles.len(), "of the two threads: {deleted:?}");
    table.quiesce().unwrap();
    CENSUS.assert_all_dropped_once();
}

#[test]
fn counts_and_iterations_may_run_beside_inserts_and_deletes() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for table in kinds() {
        let kept = [(); 5].map(|()| table.insert("kept"));
        run_concurrently(THREADS, |nth| {
            for turn in 0..TURNS / 10 {
                if nth < 2 {
                    let small = table.insert(CENSUS.witness(turn));
                    let large = table.insert(Large::new(CENSUS.witness(turn)));
                    table.remove(small).unwrap();
                    table.remove(large).unwrap();
                } else {
                    for (_, value) in &table.pin() {
                        let number = value.downcast_ref().map(Witness::look);
                        let number = number.or_else(|| value.downcast_ref().map(Large::number));
                        assert!(number.is_some() || value.downcast_ref() == Some(&"kept"));
                    }
                    let kept = table.stats_by_type().into_iter().find(|c| c.type_name == "&str");
                    assert_eq!(kept.map(|count| count.live), Some(5));
                }
            }
        });
        assert!(kept.into_iter().all(|handle| table.contains(handle)));
        table.quiesce().unwrap();
        CENSUS.assert_all_dropped_once();
    }
}
