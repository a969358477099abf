//! `max_handles`: the limit is exact, and a full table gives back what it was asked to store.

use std::{
    panic::{catch_unwind, resume_unwind, AssertUnwindSafe},
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    thread,
};

use handle_table::{FullError, Handle, HandleTable, InsertError};

use crate::common::{run_concurrently, Census};

fn limited<T>(handles: usize) -> HandleTable<T> {
    HandleTable::builder().shards(4).max_handles(handles).build()
}

/// All live handles.
fn live_handles<T>(table: &HandleTable<T>) -> Vec<Handle<T>> {
    table.pin().iter().map(|(handle, _)| handle).collect()
}

/// How many more handles the table issues. It is full afterwards.
fn capacity_left<T: Default + Send + Sync + 'static>(table: &HandleTable<T>) -> usize {
    (0..).take_while(|_| table.try_insert(T::default()).is_ok()).count()
}

#[test]
fn exactly_the_limit_fits() {
    for limit in [0, 1, 2, 3, 7, 64, 1000] {
        let table = limited::<usize>(limit);
        assert_eq!(capacity_left(&table), limit);
        assert_eq!(table.len(), limit);
        let handles = live_handles(&table);
        assert_eq!(handles.len(), limit);
        for handle in handles {
            table.remove(handle).unwrap();
            assert_eq!(capacity_left(&table), 1, "one was deleted, of {limit}");
        }
    }
}

#[test]
fn a_full_table_gives_the_value_back() {
    static CENSUS: Census = Census::new();
    let table = limited(1);
    let handle = table.try_insert(CENSUS.witness(0)).unwrap();
    let full: FullError<_> = table.try_insert(CENSUS.witness(1)).unwrap_err();
    assert!(full.to_string().contains("ran out of handle space"));
    assert!(format!("{full:?}").contains("FullError"));
    let value = full.into_inner();
    assert_eq!(CENSUS.dropped(), 0);
    assert_eq!(value.look(), 1);

    table.remove(handle).unwrap();
    let handle = table.try_insert(value).unwrap();
    assert_eq!(table.get(handle).unwrap().look(), 1);
    drop(table);
    CENSUS.assert_all_dropped_once();
}

#[test]
fn a_full_table_gives_the_closure_back_uncalled() {
    let table = limited(1);
    let first = table.insert(String::from("first"));
    let captured = String::from("captured");
    let full = table.try_insert_with(|_| captured).unwrap_err();
    assert!(full.to_string().contains("ran out of handle space"));
    let make = full.into_inner();
    table.remove(first).unwrap();
    let second = table.try_insert_with(make).unwrap();
    assert_eq!(*table.get(second).unwrap(), "captured");
}

#[test]
fn a_full_table_calls_no_closure_that_may_fail() {
    let table = limited(1);
    let first = table.insert(String::from("first"));
    let captured = String::from("captured");
    let full = table.try_insert_with_result(|_| Ok::<_, ()>(captured)).unwrap_err();
    assert_eq!(full.code(), Some(-7));
    assert!(format!("{full:?}").contains("Full"));
    let InsertError::Full(full) = full else { panic!("{full:?}") };
    assert!(full.to_string().contains("ran out of handle space"));
    table.remove(first).unwrap();
    let second = table.try_insert_with_result(full.into_inner()).unwrap();
    assert_eq!(*table.get(second).unwrap(), "captured");
    // One whose value is not made gives its handle back.
    table.remove(second).unwrap();
    for _ in 0..10 {
        let failed = table.try_insert_with_result(|_| Err("not made"));
        assert!(matches!(failed, Err(InsertError::Failed("not made"))));
    }
    assert_eq!(capacity_left(&table), 1);
}

#[test]
fn an_insert_into_a_full_table_panics_with_gos_words() {
    let table = limited(0);
    let payload = catch_unwind(AssertUnwindSafe(|| table.insert(1))).unwrap_err();
    let message = payload.downcast_ref::<String>().unwrap();
    assert!(message.contains("ran out of handle space"), "{message}");
}

#[test]
fn failed_operations_leave_the_capacity_as_it_is() {
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
    assert_eq!(capacity_left(&table), 1);
    for _ in 0..10 {
        assert!(table.try_insert(2).is_err());
        assert!(table.try_insert_with(|_| 2).is_err());
    }
    table.remove(handle).unwrap();
    assert_eq!(capacity_left(&table), 1);
}

#[test]
fn a_closure_that_still_runs_counts_as_a_handle() {
    let table = limited(2);
    let outer = table.insert_with(|_| {
        let inner = table.insert(0);
        assert!(table.try_insert(1).is_err(), "the outer handle counts, too");
        table.remove(inner).unwrap();
        2
    });
    assert!(table.contains(outer));
    assert_eq!(capacity_left(&table), 1);
}

#[test]
fn each_way_to_delete_makes_room_for_one_handle() {
    let table = limited(8);
    for _ in 0..50 {
        assert_eq!(capacity_left(&table), 8);
        let handles = live_handles(&table);
        table.remove(handles[0]).unwrap();
        table.remove_now(handles[1]).unwrap();
        drop(table.remove_ref(handles[2]).unwrap());
        table.retain(|handle, _: &usize| handle != handles[3]);
        assert_eq!(capacity_left(&table), 4);
        table.clear();
        assert_eq!(table.len(), 0);
    }
}

#[test]
fn threads_together_never_pass_the_limit() {
    const LIMIT: usize = 3;
    let table = limited(LIMIT);
    // Counted up after an insert and down before a delete: never more than the live handles.
    let live = AtomicUsize::new(0);
    let times_full = run_concurrently(8, |nth| {
        let mut times_full = 0;
        for turn in 0..3_000 {
            let mut mine = Vec::new();
            for _ in 0..2 {
                match table.try_insert(nth) {
                    Ok(handle) => {
                        let now = live.fetch_add(1, SeqCst) + 1;
                        assert!(now <= LIMIT, "{now} handles are live");
                        mine.push(handle);
                    }
                    Err(_) => times_full += 1,
                }
            }
            if turn % 64 == nth {
                thread::yield_now(); // While it holds handles, so that others meet the limit.
            }
            for handle in mine {
                live.fetch_sub(1, SeqCst);
                table.remove(handle).unwrap();
            }
        }
        times_full
    });
    assert!(times_full.iter().sum::<usize>() > 0, "the limit was never met");
    assert_eq!(table.len(), 0);
    assert_eq!(capacity_left(&table), LIMIT, "the count is wrong after all deletes");
}

/// On 64-bit targets memory ends before the bits of a handle do.
#[cfg(target_pointer_width = "32")]
#[test]
fn a_table_whose_handles_have_no_bits_left_is_full() {
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
        assert_eq!(capacity_left(&table), 1000);
    }
}

/// Where handles are few enough to use them up: slots that wait for a batch are given back before
/// an insert fails.
#[cfg(target_pointer_width = "32")]
#[test]
fn a_full_table_reclaims_before_it_refuses() {
    let table = HandleTable::builder().shards(1).build();
    let mut handles = vec![];
    let full = loop {
        match table.try_insert(handles.len()) {
            Ok(handle) => handles.push(handle),
            Err(full) => break full.into_inner(),
        }
    };
    assert_eq!(full, handles.len());
    for handle in handles.drain(..1_023) {
        table.remove(handle).unwrap();
    }
    for number in 0..1_023 {
        assert!(table.try_insert(number).is_ok(), "{} are free", 1_023 - number);
    }
    assert!(table.try_insert(0).is_err());
}

/// In a table of 1,024 shards, a shard's segments double up to 131,072 slots, and then keep that
/// length. One thread, which writes to one shard, fills several of these.
#[cfg(all(target_pointer_width = "64", not(handle_table_small)))]
#[test]
fn half_a_million_values_of_a_shard_have_slots_of_their_own() {
    let table = HandleTable::builder().shards(1024).build();
    let handles: Vec<_> = (0..500_000_usize).map(|number| table.insert(number)).collect();
    for (number, handle) in handles.iter().enumerate() {
        assert_eq!(table.cloned(*handle), Ok(number));
    }
    assert_eq!(table.len(), handles.len());
}
