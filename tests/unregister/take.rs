//! `take`: the value itself.

use std::{
    sync::{
        atomic::{
            AtomicBool,
            Ordering::{Acquire, Release},
        },
        mpsc,
    },
    thread,
    time::Duration,
};

use handle_table::{HandleError, HandleTable, WaitError};

use crate::{
    common::{eventually, run_concurrently, scaled, table_kinds, Census},
    serial::serial,
};

fn assert_taken<T: Clone + PartialEq + std::fmt::Debug + Send + Sync + 'static>(value: T) {
    for table in table_kinds() {
        let handles: Vec<_> = (0..3_000).map(|_| table.insert(value.clone())).collect();
        for handle in &handles {
            assert_eq!(table.take(*handle).as_ref(), Ok(&value));
            let again = table.take(*handle);
            assert!(matches!(again, Err(WaitError::Handle(HandleError::Deleted { .. }))));
        }
        assert!(table.is_empty());
        // The slots are used again, for other handles.
        let more: Vec<_> = (0..3_000).map(|_| table.insert(value.clone())).collect();
        assert!(more.iter().all(|handle| !handles.contains(handle)));
        assert_eq!(table.clear(), 3_000);
        table.quiesce().unwrap();
        let stats = table.stats();
        assert_eq!((stats.live, stats.pending), (0, 0), "{stats}");
        assert!(stats.vacant < 8_000, "{stats}");
    }
}

#[test]
fn values_of_every_layout_are_taken() {
    let _serial = serial();
    assert_taken(7_u64);
    assert_taken(());
    assert_taken(String::from("text"));
    assert_taken([7_u8; 65]);
    assert_taken(vec![String::from("boxed"); 9]);
}

#[test]
fn takes_and_removes_of_small_values_mix() {
    let _serial = serial();
    for table in table_kinds::<usize>() {
        for round in 0..20 {
            let handles: Vec<_> = (0..500).map(|n| table.insert(n)).collect();
            for (n, handle) in handles.iter().enumerate() {
                if (n + round) % 3 == 0 {
                    assert_eq!(table.take(*handle), Ok(n));
                } else {
                    table.remove(*handle).unwrap();
                }
            }
            assert!(handles.iter().all(|handle| !table.contains(*handle)));
        }
        table.quiesce().unwrap();
        let stats = table.stats();
        assert_eq!((table.len(), stats.live, stats.pending), (0, 0, 0), "{stats}");
    }
}

#[test]
fn it_waits_for_the_reader() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for table in table_kinds() {
        let handle = table.insert(CENSUS.witness(7));
        let over = AtomicBool::new(false);
        let (enter, entered) = mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(|| {
                let value = table.get(handle).unwrap();
                enter.send(()).unwrap();
                eventually("the handle is deleted", || !table.contains(handle));
                thread::sleep(Duration::from_millis(20));
                over.store(true, Release);
                value.look();
            });
            entered.recv().unwrap();
            let value = table.take(handle).unwrap();
            assert!(over.load(Acquire));
            assert_eq!((value.look(), CENSUS.left()), (7, 1));
        });
    }
    CENSUS.assert_all_dropped_once();
}

#[test]
fn where_it_would_wait_for_itself_the_handle_stays_valid() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for table in table_kinds() {
        let handle = table.insert(CENSUS.witness(1));
        let taken = table.call(handle.to_ptr(), |_| table.take(handle).map(|value| value.look()));
        assert_eq!(taken, Ok(Err(WaitError::WouldDeadlock)));
        assert_eq!(table.get(handle).unwrap().look(), 1);
        let gone = table.insert(CENSUS.witness(2));
        table.remove(gone).unwrap();
        let pinned = table.pin();
        let error = table.take(gone).map(|value| value.look());
        assert!(matches!(error, Err(WaitError::Handle(HandleError::Deleted { .. }))));
        drop(pinned);
        assert_eq!(table.take(handle).unwrap().look(), 1);
    }
    CENSUS.assert_all_dropped_once();
}

#[test]
fn of_many_takers_and_deleters_one_gets_each_value() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    const VALUES: usize = scaled(5_000);
    for table in table_kinds() {
        let handles: Vec<_> = (0..VALUES).map(|n| table.insert(CENSUS.witness(n))).collect();
        let counts = run_concurrently(4, |nth| {
            let got = handles.iter().enumerate().filter(|(n, handle)| match nth {
                0 => table.remove(**handle).is_ok(),
                1 => table.get(**handle).is_ok_and(|value| value.look() != *n),
                _ => table.take(**handle).is_ok_and(|value| value.look() == *n),
            });
            got.count()
        });
        assert_eq!(counts[1], 0, "a reader saw another value");
        assert_eq!(counts.iter().sum::<usize>(), VALUES);
        assert_eq!(CENSUS.left(), 0);
    }
    CENSUS.assert_all_dropped_once();
}

#[test]
fn a_taken_value_counts_for_the_limit_no_more() {
    let _serial = serial();
    let table = HandleTable::builder().max_handles(1).build();
    for n in 0..100 {
        let handle = table.try_insert(n).unwrap();
        assert!(table.try_insert(n).is_err());
        assert_eq!(table.take(handle), Ok(n));
    }
}
