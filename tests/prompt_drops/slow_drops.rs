//! A `Drop` that takes its time holds up nobody else's value, and may wait for others' calls.

use std::{
    sync::{
        mpsc::{channel, Receiver, Sender},
        Mutex,
    },
    thread,
    time::Duration,
};

use handle_table::{Handle, HandleTable, QuiesceError};

use crate::{
    assert_empty,
    common::{table_kinds, Census, Witness},
    leak,
    serial::serial,
    OnDrop, Reader,
};

type Value = (Option<OnDrop>, Witness);
type Table = HandleTable<Value>;

static CENSUS: Census = Census::new();

fn quick(table: &Table) -> Handle<Value> {
    table.insert((None, CENSUS.witness(0)))
}

/// A value whose drop says that it has begun, and goes on when it is told to.
fn slow(table: &Table) -> (Handle<Value>, Receiver<()>, Sender<()>) {
    let (begin, begun) = channel();
    let (go_on, told) = channel::<()>();
    let told = Mutex::new(told);
    let wait = OnDrop::new(move || {
        begin.send(()).unwrap();
        let _ = told.lock().unwrap().recv();
    });
    (table.insert((Some(wait), CENSUS.witness(1))), begun, go_on)
}

/// Deletes the slow value, and perhaps others, and drops it.
type Way = fn(&'static Table, Handle<Value>);

/// Deletes the slow value in the middle of a thousand.
fn delete_many(table: &Table, handle: Handle<Value>) {
    for nth in 0..1_000 {
        if nth == 500 {
            table.remove(handle).unwrap();
        }
        table.remove(quick(table)).unwrap();
    }
}

const WAYS: [(&str, Way); 5] = [
    ("remove", |table, handle| table.remove(handle).unwrap()),
    ("clear", |table, _| {
        for _ in 0..1_000 {
            let _ = quick(table);
        }
        table.clear();
    }),
    ("its own guard", |table, handle| {
        let pinned = table.pin();
        delete_many(table, handle);
        drop(pinned);
    }),
    ("repin", |table, handle| {
        let mut pinned = table.pin();
        delete_many(table, handle);
        pinned.repin();
    }),
    ("inside of a drop", |table, handle| {
        let parent = OnDrop::new(move || delete_many(table, handle));
        table.remove(table.insert((Some(parent), CENSUS.witness(2)))).unwrap();
    }),
];

#[test]
fn while_a_drop_takes_its_time_all_other_values_are_dropped() {
    let _serial = serial();
    for table in table_kinds().map(leak) {
        for (way, drop_it) in WAYS {
            println!("by {way}");
            let (handle, begun, go_on) = slow(table);
            let dropper = thread::spawn(move || drop_it(table, handle));
            begun.recv().unwrap();

            // A flush takes up what that thread had before it.
            table.flush();
            // What was deleted inside of a drop is for that thread to drop, after this one.
            let waiting = if way == "inside of a drop" { 500 + 1 } else { 1 };
            let left = CENSUS.left();
            for _ in 0..1_000 {
                table.remove(quick(table)).unwrap();
            }
            let left_later = CENSUS.left();
            for _ in 0..1_000 {
                let _ = quick(table);
            }
            let cleared = table.clear();
            let left_last = CENSUS.left();
            let reader = Reader::new(table, None);
            table.remove(quick(table)).unwrap();
            reader.let_go();
            reader.end();
            let timed_out = table.quiesce_timeout(Duration::from_millis(5));
            let other = Table::new();
            other.remove(quick(&other)).unwrap();
            let quiesced = other.quiesce();
            let pending = table.stats().pending;

            drop(go_on);
            dropper.join().unwrap();
            assert_eq!([left, left_later, left_last], [waiting; 3], "by {way}");
            assert_eq!((cleared, pending), (1_000, waiting), "by {way}");
            assert_eq!(timed_out, Err(QuiesceError::TimedOut { reader: None }), "by {way}");
            assert_eq!(quiesced, Ok(()));
            assert_eq!(CENSUS.left(), 0, "by {way}");
            assert_empty(table);
        }
    }
    CENSUS.assert_all_dropped_once();
}

#[test]
fn a_drop_may_wait_for_calls_of_another_thread() {
    let _serial = serial();
    let calls: [fn(&Table); 6] = [
        |table| assert!(table.flush() <= 1_000),
        |table| table.remove(quick(table)).unwrap(),
        |table| assert_eq!(table.remove_now(quick(table)), Ok(true)),
        |table| assert!(table.retain(|_, value| value.1.look() > 0) <= 1_000),
        |table| assert!(table.get(quick(table)).map(|_| table.clear()).is_ok()),
        |_| {
            let other = Table::new();
            other.remove(quick(&other)).unwrap();
            other.quiesce().unwrap();
        },
    ];
    for table in table_kinds().map(leak) {
        for call in calls {
            for (way, drop_it) in WAYS {
                println!("by {way}");
                let (handle, begun, go_on) = slow(table);
                let dropper = thread::spawn(move || drop_it(table, handle));
                begun.recv().unwrap();
                // If the call waited for the drop, this would never end.
                call(table);
                drop(go_on);
                dropper.join().unwrap();
            }
        }
        table.clear();
        assert_empty(table);
    }
    CENSUS.assert_all_dropped_once();
}

/// The values are gone with their table, also one that another thread is in the middle of dropping.
#[test]
fn the_drop_of_a_table_waits_for_a_drop_that_a_reader_of_another_table_is_in() {
    let _serial = serial();
    static OTHER: HandleTable<u8> = HandleTable::new();
    static CENSUS: Census = Census::new();
    let table = Table::new();
    let (handle, begun, go_on) = slow(&table);
    let reader = Reader::new(&OTHER, None);
    for n in 0..10 {
        table.remove(table.insert((None, CENSUS.witness(n)))).unwrap();
    }
    table.remove(handle).unwrap();
    for n in 0..10 {
        table.remove(table.insert((None, CENSUS.witness(n)))).unwrap();
    }
    reader.let_go.send(()).unwrap();
    begun.recv().unwrap();
    let dropper = thread::spawn(move || {
        drop(table);
        (CENSUS.left(), self::CENSUS.left())
    });
    thread::sleep(Duration::from_millis(20));
    assert!(!dropper.is_finished(), "a value is still being dropped");
    drop(go_on);
    assert_eq!(dropper.join().unwrap(), (0, 0));
    reader.has_let_go.recv().unwrap();
    reader.end();
    CENSUS.assert_all_dropped_once();
}
