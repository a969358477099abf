//! When values are dropped: by `flush`, by `remove_now`, by later deletes.

use std::{sync::mpsc::channel, thread};

use handle_table::{Handle, HandleError, HandleTable, QuiesceError};

use crate::{
    common::{on_new_thread, table_kinds, Census, Witness},
    serial::serial,
    while_another_reads,
};

/// Inserts `n` values.
fn insert(table: &HandleTable<Witness>, census: &'static Census, n: usize) -> Vec<Handle<Witness>> {
    (0..n).map(|n| table.insert(census.witness(n))).collect()
}

/// Inserts and deletes `n` values.
fn insert_and_remove(table: &HandleTable<Witness>, census: &'static Census, n: usize) {
    for n in 0..n {
        table.remove(table.insert(census.witness(n))).unwrap();
    }
}

#[test]
fn flush_drops_all_that_was_deleted() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for table in table_kinds() {
        for n in [1, 255, 256, 257, 1000] {
            let handles = insert(&table, &CENSUS, n);
            handles.iter().for_each(|h| table.remove(*h).unwrap());
            table.flush();
            assert_eq!(CENSUS.left(), 0, "{n}: {}", table.stats());
            assert_eq!(table.stats().pending, 0);
        }
    }
    CENSUS.assert_all_dropped_once();
}

#[test]
fn flush_drops_what_idle_and_ended_threads_have_deleted() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for table in table_kinds() {
        let ended = insert(&table, &CENSUS, 10);
        let idle = insert(&table, &CENSUS, 10);
        on_new_thread(|| ended.iter().for_each(|h| table.remove(*h).unwrap()));
        let (stop, is_stopped) = channel::<()>();
        let (ready, is_ready) = channel();
        thread::scope(|scope| {
            let table = &table;
            scope.spawn(move || {
                idle.iter().for_each(|h| table.remove(*h).unwrap());
                ready.send(()).unwrap();
                let _ = is_stopped.recv();
            });
            is_ready.recv().unwrap();
            table.flush();
            assert_eq!(CENSUS.left(), 0, "{}", table.stats());
            drop(stop);
        });
    }
    CENSUS.assert_all_dropped_once();
}

#[test]
fn flush_drops_much_that_a_reader_has_held_up() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for table in table_kinds() {
        let pinned = table.pin();
        insert_and_remove(&table, &CENSUS, 20_000);
        assert_eq!(CENSUS.left(), 20_000, "the reader may see them");
        drop(pinned);
        table.flush();
        assert_eq!(CENSUS.left(), 0, "{}", table.stats());
        // Nor does it give up because of what so many deletes have left in the collector's queue.
        insert_and_remove(&table, &CENSUS, 1);
        table.flush();
        assert_eq!(CENSUS.left(), 0, "{}", table.stats());
    }
    CENSUS.assert_all_dropped_once();
}

#[test]
fn flush_drops_what_many_ended_threads_have_left_behind_a_reader() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for table in table_kinds() {
        let pinned = table.pin();
        // Each thread leaves some bags in the collector's queue.
        for _ in 0..300 {
            on_new_thread(|| insert_and_remove(&table, &CENSUS, 1));
        }
        assert_eq!(CENSUS.left(), 300, "the reader may see them");
        drop(pinned);
        table.flush();
        assert_eq!(CENSUS.left(), 0, "{}", table.stats());
    }
    CENSUS.assert_all_dropped_once();
}

#[test]
fn quiesce_frees_the_slots_of_batches_that_are_never_full() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for table in table_kinds() {
        for _ in 0..1_000 {
            insert_and_remove(&table, &CENSUS, 1);
            table.quiesce().unwrap();
        }
        let stats = table.stats();
        assert!(stats.vacant + stats.pending < 100, "{stats}");
    }
    CENSUS.assert_all_dropped_once();
}

#[test]
fn remove_now_drops_at_once_although_a_reader_has_held_up_much() {
    let _serial = serial();
    static BEFORE: Census = Census::new();
    static CENSUS: Census = Census::new();
    for table in table_kinds() {
        let pinned = table.pin();
        insert_and_remove(&table, &BEFORE, 20_000);
        drop(pinned);
        table.remove_now(table.insert(CENSUS.witness(0))).unwrap();
        assert_eq!(CENSUS.left(), 0, "{}", table.stats());
    }
    BEFORE.assert_all_dropped_once();
    CENSUS.assert_all_dropped_once();
}

#[test]
fn remove_now_drops_before_it_returns_if_no_one_reads() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for table in table_kinds() {
        for n in 0..1_000 {
            assert_eq!(table.remove_now(table.insert(CENSUS.witness(n))), Ok(true));
            assert_eq!(CENSUS.left(), 0);
        }
    }
    CENSUS.assert_all_dropped_once();
}

#[test]
fn remove_now_drops_nothing_under_a_ref_of_its_own_thread() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for table in table_kinds() {
        let handle = table.insert(CENSUS.witness(7));
        let held = table.get(handle).unwrap();
        assert_eq!(table.remove_now(handle), Ok(false));
        assert_eq!(table.flush(), 0);
        assert_eq!((held.look(), CENSUS.left()), (7, 1));
        assert_eq!(table.stats().pending, 1);
        drop(held);
        assert_eq!(CENSUS.left(), 0, "the last reader drops it");
        assert_eq!(table.flush(), 0);
    }
    CENSUS.assert_all_dropped_once();
}

#[test]
fn remove_now_neither_drops_under_a_ref_of_another_thread_nor_waits_for_it() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for table in table_kinds() {
        let handle = table.insert(CENSUS.witness(7));
        while_another_reads(&table, Some(handle), || {
            assert_eq!(table.remove_now(handle), Ok(false));
            assert_eq!(CENSUS.left(), 1);
            assert_eq!(table.flush(), 0);
            assert_eq!(CENSUS.left(), 1);
        });
        assert_eq!(CENSUS.left(), 0, "the last reader drops it");
    }
    CENSUS.assert_all_dropped_once();
}

/// As documented: all tables share one collector.
#[test]
fn a_reader_of_one_table_holds_up_the_drops_of_another() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    let (one, two) = (HandleTable::<Witness>::new(), HandleTable::new());
    let handle = two.insert(CENSUS.witness(0));
    while_another_reads(&one, None, || {
        two.remove_now(handle).unwrap();
        assert_eq!(CENSUS.left(), 1);
    });
    two.quiesce().unwrap();
    CENSUS.assert_all_dropped_once();
}

#[test]
fn remove_ref_keeps_its_value_while_the_ref_is_held() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for table in table_kinds() {
        let handle = table.insert(CENSUS.witness(7));
        let last = table.remove_ref(handle).unwrap();
        assert!(!table.contains(handle));
        on_new_thread(|| table.flush());
        assert_eq!((last.look(), CENSUS.left()), (7, 1));
        drop(last);
        table.flush();
        assert_eq!(CENSUS.left(), 0);
    }
    CENSUS.assert_all_dropped_once();
}

#[test]
fn delete_now_and_flush_drop_process_wide_values_before_they_return() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    let handle = Handle::new(CENSUS.witness(0));
    assert_eq!(handle.try_delete_now(), Ok(true));
    assert_eq!(CENSUS.left(), 0);
    let deleted = handle.try_delete_now();
    assert!(matches!(deleted, Err(HandleError::Deleted { .. })));
    let forged = Handle::from_raw(42).unwrap();
    assert_eq!(forged.try_delete_now(), Err(HandleError::Unknown { raw: 42 }));

    Handle::new(CENSUS.witness(1)).delete();
    Handle::flush();
    assert_eq!(CENSUS.left(), 0);

    let handle = Handle::new(CENSUS.witness(2));
    let held = handle.value::<Witness>();
    handle.delete();
    assert_eq!(Handle::quiesce(), Err(QuiesceError::Pinned));
    Handle::flush();
    assert_eq!((held.look(), CENSUS.left()), (2, 1));
    drop(held);
    Handle::quiesce().unwrap();
    CENSUS.assert_all_dropped_once();
}

/// Threads without a shard count their deletes in a word that may have less room than a batch
/// needs. Then no batch would ever be full, and on 32-bit targets the table would be before this
/// ends.
#[test]
fn trivial_values_of_threads_without_a_shard_are_reclaimed() {
    let _serial = serial();
    // More than the table has slots, and fewer than it has handles.
    const INSERTS: u32 = if cfg!(handle_table_small) { 500_000 } else { 1_200_000 };
    let table = HandleTable::builder().shards(1).build();
    for number in 0..INSERTS {
        let handle = table.try_insert(number).unwrap();
        table.remove(handle).unwrap();
    }
    table.quiesce().unwrap();
    assert_eq!(table.stats().pending, 0);
}
