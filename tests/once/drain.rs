//! All values at once.

use std::{
    collections::HashSet,
    mem,
    sync::{
        atomic::{AtomicBool, Ordering::SeqCst},
        Mutex,
    },
    thread,
};

use crate::{
    assert_empty,
    common::{on_new_thread, run_concurrently, scaled, Census, SetOnDrop, Witness},
    kinds,
};

#[test]
fn a_drain_takes_every_value_with_its_handle() {
    static CENSUS: Census = Census::new();
    for table in kinds::<Witness>() {
        let insert = |n| (table.insert(CENSUS.witness(n)), n);
        let mut all: HashSet<_> = (0..300).map(insert).collect();
        all.extend(on_new_thread(|| (300..400).map(insert).collect::<Vec<_>>()));
        let gone: Vec<_> = all.iter().copied().take(50).collect();
        for (handle, number) in gone {
            all.remove(&(handle, number));
            table.remove(handle).unwrap();
        }
        let drained: Vec<_> = table.drain().map(|(handle, value)| (handle, value.look())).collect();
        assert_eq!(drained.len(), 350, "each once");
        assert_eq!(drained.into_iter().collect::<HashSet<_>>(), all);
        assert_eq!(table.drain().count(), 0);
        CENSUS.assert_all_dropped_once();
        assert_empty(&table);
    }
}

#[test]
fn what_is_left_of_a_drain_is_removed() {
    static CENSUS: Census = Census::new();
    for table in kinds::<Witness>() {
        let handles: Vec<_> = (0..100).map(|n| table.insert(CENSUS.witness(n))).collect();
        let mut drain = table.drain();
        let three: Vec<_> = drain.by_ref().take(3).collect();
        assert_eq!((table.len(), CENSUS.left()), (97, 100));
        drop(drain);
        assert_eq!((table.len(), CENSUS.left()), (0, 3), "the taken ones are the caller's");
        assert!(handles.iter().all(|handle| !table.contains(*handle)));
        drop(three);
        CENSUS.assert_all_dropped_once();
        assert_empty(&table);
    }
}

#[test]
fn what_a_leaked_drain_has_not_taken_stays() {
    for table in kinds() {
        let handles: Vec<_> = (0..10).map(|n| table.insert(n)).collect();
        let mut drain = table.drain();
        let (first, number) = drain.next().unwrap();
        mem::forget(drain);
        assert_eq!(table.len(), 9);
        for (handle, n) in handles.into_iter().zip(0..) {
            assert_eq!(table.take(handle).is_ok(), handle != first || n != number);
        }
    }
}

#[test]
fn a_drain_that_has_ended_stays_at_its_end() {
    for table in kinds() {
        let _handle = table.insert(1);
        let mut drain = table.drain();
        assert!(drain.next().is_some_and(|(_, number)| number == 1));
        assert!(drain.next().is_none());
        let later = table.insert(2);
        assert!(drain.next().is_none());
        drop(drain);
        assert_eq!(table.take(later), Ok(2));
    }
}

#[test]
fn the_loop_of_a_drain_may_use_the_table() {
    for table in kinds() {
        let handles: Vec<_> = (0..100).map(|n| table.insert(n)).collect();
        let (mut turns, mut last) = (0, None);
        for (handle, number) in table.drain() {
            turns += 1;
            assert!(turns < 1_000, "a drain that never ends");
            assert_eq!(handles[number], handle);
            assert!(table.take(handle).is_err());
            // Into the slot that has just become free, as a rule.
            let again = table.insert(number);
            if let Some(last) = last.replace(again) {
                assert!(table.take(last).is_ok());
            }
            if turns == 100 {
                break;
            }
        }
        assert!(turns >= 100);
    }
}

#[test]
fn drains_and_takes_and_inserts_share_the_values_out() {
    const EACH: usize = scaled(3_000);
    static CENSUS: Census = Census::new();
    for table in kinds::<Witness>() {
        let done = AtomicBool::new(false);
        let (table, done, handles) = (&table, &done, &Mutex::new(Vec::new()));
        let drained = thread::scope(|scope| {
            let drain = || {
                scope.spawn(move || {
                    let mut seen = Vec::new();
                    while !done.load(SeqCst) {
                        seen.extend(table.drain().take(100).map(|(_, value)| value.look()));
                    }
                    seen
                })
            };
            let drains = [drain(), drain()];
            let _done = SetOnDrop(done);
            let taken = run_concurrently(3, |nth| {
                let mut taken = Vec::new();
                for n in 0..EACH {
                    let handle = table.insert(CENSUS.witness(nth * EACH + n));
                    match n % 3 {
                        0 => taken.extend(table.take(handle).map(|value| value.look())),
                        1 => handles.lock().unwrap().push(handle),
                        _ => {}
                    }
                }
                taken
            });
            drop(_done);
            let drained = drains.map(|drain| drain.join().unwrap());
            (taken, drained)
        });
        let (taken, drained) = drained;
        table.drain().for_each(drop);
        let seen: Vec<_> = taken.into_iter().chain(drained).flatten().collect();
        let distinct: HashSet<_> = seen.iter().collect();
        assert_eq!(distinct.len(), seen.len(), "a value was taken twice");
        assert_eq!(CENSUS.left(), 0);
        CENSUS.assert_all_dropped_once();
        assert!(handles.lock().unwrap().iter().all(|handle| !table.contains(*handle)));
        assert_empty(table);
    }
}
