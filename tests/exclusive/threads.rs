//! Borrowers on many threads.

use std::{
    sync::{
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    thread,
};

use handle_table::{CallError, Exclusive, Handle, HandleError, HandleTable};

use crate::{
    assert_busy,
    common::{on_new_thread, run_concurrently, Census, Rng, Witness},
    kinds,
    reports::take_reports,
};

/// If the second borrower waited, neither would end: the first one waits for the second.
#[test]
fn another_thread_is_refused_at_once() {
    for table in kinds() {
        let handle = table.insert(Exclusive::new(7));
        let borrowed = table.get_mut(handle).unwrap();
        on_new_thread(|| {
            assert_busy(&table, handle);
            let busy = HandleError::Busy { raw: handle.to_raw() };
            let called = table.call_mut(handle.to_ptr(), |_| ());
            assert_eq!(called, Err(CallError::Handle(busy)));
        });
        drop(borrowed);
        on_new_thread(|| *table.get_mut(handle).unwrap() += 1);
        assert_eq!(*table.get_mut(handle).unwrap(), 8);
    }
}

#[test]
fn what_another_thread_has_written_is_seen() {
    let table = HandleTable::new();
    let handle = table.insert(Exclusive::new(Vec::new()));
    let (table, (tell, told)) = (&table, mpsc::channel());
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut list = table.get_mut(handle).unwrap();
            tell.send(()).unwrap();
            (0..1_000).for_each(|n| list.push(n));
        });
        told.recv().unwrap();
        let mut sum = table.get_mut(handle);
        while matches!(sum, Err(HandleError::Busy { .. })) {
            thread::yield_now();
            sum = table.get_mut(handle);
        }
        assert_eq!(sum.unwrap().iter().sum::<usize>(), 499_500);
    });
}

/// Two numbers, which are equal when nobody has them.
#[derive(Default)]
struct Twins {
    one: usize,
    other: usize,
}

#[test]
fn the_counts_of_many_threads_add_up() {
    const TURNS: usize = 2_000;
    take_reports(); // each busy call is one
    for table in kinds() {
        let handle = table.insert(Exclusive::new(Twins::default()));
        let refused = run_concurrently(4, |nth| {
            let (mut done, mut refused) = (0, 0);
            while done < TURNS {
                let count = |twins: &mut Twins| {
                    assert_eq!(twins.one, twins.other, "two borrowers at once");
                    twins.one += 1;
                    if done % 256 == 0 {
                        thread::yield_now(); // so that others find it busy, on one processor too
                    }
                    twins.other += 1;
                };
                let counted = match nth % 2 {
                    0 => table.call_mut(handle.to_ptr(), count),
                    _ => {
                        table.get_mut(handle).map(|mut twins| count(&mut twins)).map_err(Into::into)
                    }
                };
                match counted {
                    Ok(()) => done += 1,
                    Err(CallError::Handle(HandleError::Busy { .. })) => {
                        refused += 1;
                        thread::yield_now();
                    }
                    other => panic!("{other:?}"),
                }
            }
            refused
        });
        println!("refused: {refused:?}");
        let twins = table.get_mut(handle).unwrap();
        assert_eq!((twins.one, twins.other), (4 * TURNS, 4 * TURNS));
    }
}

/// Threads borrow values, delete them and insert others, at random.
fn storm<T: Send + 'static>(
    census: &'static Census,
    make: impl Fn(usize) -> T + Sync,
    change: impl Fn(&mut T) -> usize + Sync,
) {
    for table in kinds() {
        let board: [AtomicUsize; 4] = Default::default();
        let changed = run_concurrently(4, |nth| {
            let mut rng = Rng(nth as u64 + 1);
            let mut changed = 0;
            for turn in 0..1_000 {
                let entry = &board[rng.below(board.len())];
                let old = Handle::from_raw(entry.load(SeqCst));
                match (old, rng.below(8)) {
                    (Ok(handle), 0) => drop(table.remove(handle)),
                    (Ok(handle), 1..) => match table.get_mut(handle) {
                        Ok(mut value) => changed += change(&mut value),
                        Err(HandleError::Busy { .. } | HandleError::Deleted { .. }) => {
                            let new = table.insert(Exclusive::new(make(turn)));
                            if let Ok(old) = Handle::from_raw(entry.swap(new.to_raw(), SeqCst)) {
                                let _ = table.remove(old);
                            }
                        }
                        Err(error) => panic!("{error}"),
                    },
                    (Err(_), _) => {
                        let new = table.insert(Exclusive::new(make(turn)));
                        if let Ok(old) = Handle::from_raw(entry.swap(new.to_raw(), SeqCst)) {
                            let _ = table.remove(old);
                        }
                    }
                }
            }
            changed
        });
        assert!(changed.iter().sum::<usize>() > 0);
        drop(table);
        census.assert_all_dropped_once();
    }
}

#[test]
fn small_values_are_borrowed_alive_and_dropped_once() {
    static CENSUS: Census = Census::new();
    let change = |value: &mut Witness| {
        value.look();
        thread::yield_now();
        value.look();
        1
    };
    storm(&CENSUS, |n| CENSUS.witness(n), change);
}

#[test]
fn large_values_are_borrowed_alive_and_dropped_once() {
    static CENSUS: Census = Census::new();
    struct Large(Witness, [usize; 32]);
    let change = |Large(witness, numbers): &mut Large| {
        witness.look();
        let before = numbers[0];
        numbers.iter_mut().for_each(|number| *number += 1);
        assert!(numbers.iter().all(|number| *number == before + 1), "two borrowers at once");
        witness.look();
        1
    };
    storm(&CENSUS, |n| Large(CENSUS.witness(n), [0; 32]), change);
}
