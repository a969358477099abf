//! `builder().batch(n)`: values wait for the n-th delete, for a flush, or not at all.

use std::{sync::mpsc::channel, thread};

use handle_table::HandleTable;

use crate::{
    assert_empty,
    common::{on_new_thread, Census, Witness},
    leak,
    serial::serial,
    OnDrop, Reader,
};

const BATCH: usize = 16;

/// Tables of batches, with one shard and with one for each thread.
fn tables<T>() -> [&'static HandleTable<T>; 2] {
    [32, 1].map(|shards| leak(HandleTable::builder().shards(shards).batch(BATCH).build()))
}

fn remove(table: &HandleTable<Witness>, census: &'static Census, n: usize) {
    for n in 0..n {
        table.remove(table.insert(census.witness(n))).unwrap();
    }
}

#[test]
fn each_nth_delete_drops_a_batch() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for table in tables() {
        for n in 1..=5 * BATCH {
            remove(table, &CENSUS, 1);
            let waiting = n % BATCH;
            assert_eq!((CENSUS.left(), table.stats().pending), (waiting, waiting));
        }
    }
    CENSUS.assert_all_dropped_once();
}

#[test]
fn a_batch_of_none_or_one_is_no_batch() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for batch in [0, 1] {
        let table = HandleTable::builder().batch(batch).build();
        remove(&table, &CENSUS, 1);
        assert_eq!(CENSUS.left(), 0);
    }
    let table = HandleTable::builder().batch(usize::MAX).build();
    remove(&table, &CENSUS, 5_000);
    let left = CENSUS.left();
    assert!(left > 0, "its batch is as large as can be");
    assert_eq!(table.flush(), left);
    assert_empty(&table);
}

#[test]
fn a_flush_drops_what_idle_and_ended_threads_have_collected() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for table in tables() {
        on_new_thread(|| remove(table, &CENSUS, 3));
        let (begin, begun) = channel();
        let (end, ended) = channel::<()>();
        let idle = thread::spawn(move || {
            remove(table, &CENSUS, 4);
            begin.send(()).unwrap();
            let _ = ended.recv();
        });
        begun.recv().unwrap();
        remove(table, &CENSUS, 5);
        assert_eq!(CENSUS.left(), 12);
        assert_eq!(table.flush(), 12);
        assert_empty(table);
        assert_eq!(table.flush(), 0);
        drop(end);
        idle.join().unwrap();
    }
    CENSUS.assert_all_dropped_once();
}

#[test]
fn quiesce_and_the_tables_drop_drop_what_was_collected() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for table in tables() {
        remove(table, &CENSUS, 3);
        table.quiesce().unwrap();
        assert_empty(table);
    }
    let table = HandleTable::builder().batch(BATCH).build();
    remove(&table, &CENSUS, 3);
    let kept = table.insert(CENSUS.witness(0));
    assert_eq!((CENSUS.left(), table.contains(kept)), (4, true));
    drop(table);
    CENSUS.assert_all_dropped_once();
}

#[test]
fn remove_now_retain_and_clear_go_by_no_batch() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for table in tables() {
        remove(table, &CENSUS, 3);
        assert_eq!(table.remove_now(table.insert(CENSUS.witness(0))), Ok(true));
        assert_eq!(CENSUS.left(), 3);
        for n in 0..5 {
            let _ = table.insert(CENSUS.witness(n));
        }
        assert_eq!(table.retain(|_, value| value.look() % 2 == 0), 2);
        assert_eq!(CENSUS.left(), 3 + 3);
        assert_eq!(table.clear(), 3);
        assert_eq!(CENSUS.left(), 3, "the collected ones are still there");
        assert_eq!(table.flush(), 3);
        assert_empty(table);
    }
    CENSUS.assert_all_dropped_once();
}

#[test]
fn full_batches_behind_a_reader_go_with_it() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for table in tables() {
        let reader = Reader::new(table, None);
        remove(table, &CENSUS, 100 * BATCH + 3);
        assert_eq!(CENSUS.left(), 100 * BATCH + 3);
        assert_eq!(table.flush(), 0);
        reader.let_go();
        assert_eq!(CENSUS.left(), 0, "a flush leaves them to the last reader");
        remove(table, &CENSUS, 3);
        assert_eq!(CENSUS.left(), 3);
        table.flush();
        assert_empty(table);
        reader.end();
    }
    CENSUS.assert_all_dropped_once();
}

#[test]
fn batches_filled_inside_of_a_drop_go_with_the_outermost_drop() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for table in tables::<Witness>() {
        let outer = HandleTable::new();
        let handle = outer.insert(OnDrop::new(move || {
            remove(table, &CENSUS, 10 * BATCH + 3);
            assert_eq!((table.flush(), CENSUS.left()), (0, 10 * BATCH + 3));
        }));
        outer.remove(handle).unwrap();
        assert_eq!((CENSUS.left(), outer.stats().drop_panics), (3, 0));
        assert_eq!(table.flush(), 3);
        assert_empty(table);
    }
    CENSUS.assert_all_dropped_once();
}

#[test]
fn a_batch_without_an_end_takes_no_more_than_its_slots() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for shards in [32, 1] {
        let builder = HandleTable::builder().shards(shards).batch(usize::MAX);
        let table = builder.max_handles(4).build();
        for n in 0..20_000 {
            // The limit is that of live handles.
            let handle = table.try_insert(CENSUS.witness(n)).expect("one is live");
            table.remove(handle).unwrap();
            if n % 1_000 == 999 {
                table.flush();
            }
        }
        assert_empty(&table);
    }
    CENSUS.assert_all_dropped_once();
}
