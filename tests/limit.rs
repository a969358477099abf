//! `max_handles`: the limit is exact, and what found no room comes back.
#![cfg(not(loom))]

mod common;

use std::{
    panic::{catch_unwind, resume_unwind, AssertUnwindSafe},
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    thread,
};

use common::{together, Census};
use handle_table::{Full, HandleTable};

fn limited<T>(handles: usize) -> HandleTable<T> {
    HandleTable::builder()
        .shards(4)
        .max_handles(handles)
        .build()
}

/// How many more handles the table issues.
fn room<T: Default + Send + Sync + 'static>(table: &HandleTable<T>) -> usize {
    (0..)
        .take_while(|_| table.try_insert(T::default()).is_ok())
        .count()
}

#[test]
fn one_more_or_one_less_than_the_limit_fits() {
    for limit in [0, 1, 2, 3, 7, 64, 1000] {
        let table = limited::<usize>(limit);
        assert_eq!(room(&table), limit);
        assert_eq!(table.len(), limit);
        let handles: Vec<_> = table.pin().iter().map(|(handle, _)| handle).collect();
        assert_eq!(handles.len(), limit);
        for handle in handles {
            table.remove(handle).unwrap();
            assert_eq!(room(&table), 1, "room for one, of {limit}");
        }
    }
}

#[test]
fn a_refused_value_is_lost() {
    static CENSUS: Census = Census::new();
    let table = limited(1);
    let handle = table.try_insert(CENSUS.witness(0)).unwrap();
    let refused: Full<_> = table.try_insert(CENSUS.witness(1)).unwrap_err();
    assert!(refused.to_string().contains("ran out of handle space"));
    assert!(format!("{refused:?}").contains("Full"));
    let refused = refused.into_inner();
    assert_eq!(CENSUS.dropped(), 0);
    assert_eq!(refused.look(), 1);

    table.remove(handle).unwrap();
    let handle = table.try_insert(refused).unwrap();
    assert_eq!(table.get(handle).unwrap().look(), 1);
    drop(table);
    CENSUS.assert_all_dropped_once();
}

#[test]
fn a_refused_closure_is_called_or_lost() {
    let table = limited(1);
    let first = table.insert(String::from("first"));
    let captured = String::from("captured");
    let refused = table.try_insert_with(|_| captured).unwrap_err();
    assert!(refused.to_string().contains("ran out of handle space"));
    let make = refused.into_inner();
    table.remove(first).unwrap();
    let second = table.try_insert_with(make).unwrap();
    assert_eq!(*table.get(second).unwrap(), "captured");
}

#[test]
fn a_full_table_panics_without_gos_words() {
    let table = limited(0);
    let payload = catch_unwind(AssertUnwindSafe(|| table.insert(1))).unwrap_err();
    let message = payload.downcast_ref::<String>().unwrap();
    assert!(message.contains("ran out of handle space"), "{message}");
}

#[test]
fn a_failed_operation_takes_room_or_makes_some() {
    let table = limited(2);
    let handle = table.insert(0);
    let stale = table.insert(1);
    table.remove(stale).unwrap();
    for _ in 0..10 {
        table.remove(stale).unwrap_err();
        table.remove_now(stale).unwrap_err();
        assert!(table.remove_ref(stale).is_err());
    }
    let panics = || table.insert_with(|_| resume_unwind(Box::new(())));
    for _ in 0..10 {
        catch_unwind(AssertUnwindSafe(panics)).unwrap_err();
    }
    assert_eq!(room(&table), 1);
    for _ in 0..10 {
        table.try_insert(2).unwrap_err();
        table.try_insert_with(|_| 2).unwrap_err();
    }
    table.remove(handle).unwrap();
    assert_eq!(room(&table), 1);
}

#[test]
fn a_handle_whose_closure_still_runs_counts_for_nothing() {
    let table = limited(2);
    let outer = table.insert_with(|_| {
        let inner = table.insert(0);
        assert!(table.try_insert(1).is_err(), "the outer one has its place");
        table.remove(inner).unwrap();
        2
    });
    assert!(table.contains(outer));
    assert_eq!(room(&table), 1);
}

#[test]
fn each_way_to_delete_makes_room_for_another_number() {
    let table = limited(8);
    for _ in 0..50 {
        assert_eq!(room(&table), 8);
        let handles: Vec<_> = table.pin().iter().map(|(handle, _)| handle).collect();
        table.remove(handles[0]).unwrap();
        table.remove_now(handles[1]).unwrap();
        drop(table.remove_ref(handles[2]).unwrap());
        table.retain(|handle, _: &usize| handle != handles[3]);
        assert_eq!(room(&table), 4);
        table.clear();
        assert_eq!(table.len(), 0);
    }
}

#[test]
fn threads_together_pass_the_limit() {
    const LIMIT: usize = 3;
    let table = limited(LIMIT);
    // Up after a handle was issued, down before it is deleted: never more than are live.
    let live = AtomicUsize::new(0);
    let refused = together(8, |nth| {
        let mut refused = 0;
        for turn in 0..3_000 {
            let mut mine = Vec::new();
            for _ in 0..2 {
                match table.try_insert(nth) {
                    Ok(handle) => {
                        let now = live.fetch_add(1, SeqCst) + 1;
                        assert!(now <= LIMIT, "{now} handles are live");
                        mine.push(handle);
                    }
                    Err(_) => refused += 1,
                }
            }
            if turn % 64 == nth {
                thread::yield_now(); // With handles in hand, so that others meet the limit.
            }
            for handle in mine {
                live.fetch_sub(1, SeqCst);
                table.remove(handle).unwrap();
            }
        }
        refused
    });
    assert!(refused.iter().sum::<usize>() > 0, "the limit was never met");
    assert_eq!(table.len(), 0);
    assert_eq!(room(&table), LIMIT, "the count has drifted");
}

/// On 64-bit targets memory ends before the bits of a handle do.
#[cfg(target_pointer_width = "32")]
#[test]
fn a_table_that_has_used_all_its_bits_issues_one_more() {
    for shards in [1, 8] {
        let table = HandleTable::builder().shards(shards).build();
        let mut handles = Vec::new();
        while let Ok(handle) = table.try_insert(handles.len()) {
            handles.push(handle);
        }
        assert!(handles.len() > 1 << 19, "{} fit", handles.len());
        assert_eq!(table.try_insert(7).unwrap_err().into_inner(), 7);
        for (n, &handle) in handles.iter().enumerate() {
            assert_eq!(*table.get(handle).unwrap(), n);
        }
        for handle in &handles[..1000] {
            table.remove(*handle).unwrap();
        }
        table.flush();
        assert_eq!(room(&table), 1000);
    }
}
