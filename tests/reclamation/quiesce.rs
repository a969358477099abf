//! What waits for what: `quiesce`, `flush`, and readers that repin now and then.

use std::{
    sync::{
        atomic::{
            AtomicBool, AtomicUsize,
            Ordering::{Relaxed, SeqCst},
        },
        mpsc::{channel, Receiver},
        Arc, Mutex,
    },
    thread,
    time::Duration,
};

use handle_table::{Handle, HandleTable, QuiesceError};

use crate::{
    common::{eventually, on_new_thread, run_concurrently, table_kinds, Census, SetOnDrop},
    serial::serial,
    while_another_reads,
};

#[test]
fn quiesce_waits_for_a_reader_and_for_the_drop() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for table in table_kinds() {
        let handle = table.insert(CENSUS.witness(0));
        let (returned, reader_ends) = (AtomicBool::new(false), AtomicBool::new(false));
        thread::scope(|scope| {
            while_another_reads(&table, Some(handle), || {
                table.remove(handle).unwrap();
                scope.spawn(|| {
                    table.quiesce().unwrap();
                    returned.store(true, SeqCst);
                    assert!(reader_ends.load(SeqCst), "it did not wait");
                    assert_eq!(CENSUS.left(), 0, "it did not wait for the drop");
                });
                thread::sleep(Duration::from_millis(20));
                assert!(!returned.load(SeqCst));
                reader_ends.store(true, SeqCst);
            });
        });
        assert!(returned.load(SeqCst));
    }
    CENSUS.assert_all_dropped_once();
}

#[test]
fn quiesce_waits_neither_for_its_own_thread_nor_for_later_readers() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    let (table, other) = (HandleTable::new(), HandleTable::new());
    let handle = other.insert(CENSUS.witness(7));
    let held = other.get(handle).unwrap();
    assert_eq!(table.quiesce(), Ok(()), "a table that was never used has nothing to wait for");
    table.remove(table.insert(CENSUS.witness(0))).unwrap();
    assert_eq!(table.quiesce(), Err(QuiesceError::Pinned), "a Ref of another table");
    drop(held);
    let pinned = other.pin();
    assert_eq!(table.quiesce(), Err(QuiesceError::Pinned), "a Pinned of another table");
    drop(pinned);
    assert_eq!(table.quiesce(), Ok(()));

    // One reader after the other: there is always one, but none for long.
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !stop.load(Relaxed) {
                    assert_eq!(other.get(handle).unwrap().look(), 7);
                }
            });
        }
        let _stop = SetOnDrop(&stop);
        for n in 0..20 {
            table.remove(table.insert(CENSUS.witness(n))).unwrap();
            table.quiesce().unwrap();
            assert_eq!(CENSUS.left(), 1, "all but the one that is read");
        }
    });
    drop(other);
    CENSUS.assert_all_dropped_once();
}

#[test]
fn repin_lets_others_drop_what_was_deleted_before() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for table in table_kinds() {
        let kept = table.insert(CENSUS.witness(7));
        let stop = AtomicBool::new(false);
        let (ready, is_ready) = channel();
        thread::scope(|scope| {
            let (table, stop) = (&table, &stop);
            scope.spawn(move || {
                // As a message loop does: always pinned, but only for one message at a time.
                let mut pinned = table.pin();
                ready.send(()).unwrap();
                while !stop.load(Relaxed) {
                    assert_eq!(pinned.get(kept).unwrap().look(), 7);
                    pinned.repin();
                }
            });
            let _stop = SetOnDrop(stop);
            is_ready.recv().unwrap();
            for n in 0..20 {
                table.remove(table.insert(CENSUS.witness(n))).unwrap();
                table.quiesce().unwrap();
                assert_eq!(CENSUS.left(), 1, "all but the one that is read");
            }
        });
    }
    CENSUS.assert_all_dropped_once();
}

#[test]
fn repin_keeps_what_another_pin_of_the_thread_sees() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for table in table_kinds() {
        let handle = table.insert(CENSUS.witness(7));
        let held = table.get(handle).unwrap();
        let mut pinned = table.pin();
        table.remove(handle).unwrap();
        for _ in 0..10 {
            pinned.repin();
            on_new_thread(|| table.flush());
            assert_eq!((held.look(), CENSUS.left()), (7, 1));
        }
        drop(held);
        pinned.repin();
        assert!(pinned.get(handle).is_err());
        drop(pinned);
        table.flush();
        assert_eq!(CENSUS.left(), 0);
    }
    CENSUS.assert_all_dropped_once();
}

/// A value whose drop shows that it has begun, waits for a signal, and shows that it is done.
struct Slow {
    begun: Arc<AtomicBool>,
    go_on: Mutex<Receiver<()>>,
    done: Arc<AtomicBool>,
}

impl Drop for Slow {
    fn drop(&mut self) {
        self.begun.store(true, SeqCst);
        let _ = self.go_on.get_mut().unwrap().recv();
        self.done.store(true, SeqCst);
    }
}

/// Deletes the value, and drops it.
type Way = fn(&HandleTable<Slow>, Handle<Slow>);

/// Whether `wait` returns only after the end of a drop that another thread runs, by `drop_it`.
fn waits_for_a_drop(drop_it: Way, wait: fn(&HandleTable<Slow>)) -> bool {
    let table = HandleTable::new();
    let [begun, done] = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
    let (go_on, receiver) = channel();
    let handle = table.insert(Slow {
        begun: Arc::clone(&begun),
        go_on: Mutex::new(receiver),
        done: Arc::clone(&done),
    });
    thread::scope(|scope| {
        scope.spawn(|| drop_it(&table, handle));
        eventually("the drop begins", || begun.load(SeqCst));
        let waiting = scope.spawn(|| {
            wait(&table);
            done.load(SeqCst)
        });
        // Long enough for it to return too early, if it does.
        thread::sleep(Duration::from_millis(20));
        drop(go_on);
        waiting.join().unwrap()
    })
}

#[test]
fn quiesce_waits_for_another_threads_drop() {
    let _serial = serial();
    let ways: [Way; 2] = [
        |table, handle| assert!(table.remove_now(handle).unwrap()),
        |table, handle| table.remove(handle).unwrap(),
    ];
    for drop_it in ways {
        assert!(waits_for_a_drop(drop_it, |table| table.quiesce().unwrap()));
    }
}

#[test]
fn flush_does_not_wait_for_another_threads_drop() {
    let _serial = serial();
    let drop_it: Way = |table, handle| table.remove(handle).unwrap();
    assert!(!waits_for_a_drop(drop_it, |table| assert_eq!(table.flush(), 0)));
}

#[test]
fn quiesce_returns_although_others_keep_dropping() {
    struct Lengthy;
    impl Drop for Lengthy {
        fn drop(&mut self) {
            thread::sleep(Duration::from_millis(10));
        }
    }
    let _serial = serial();
    let table = HandleTable::new();
    let (turns, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    // Some seconds. Without an end, a test that fails would never end.
    const LAST: usize = 1_000;
    run_concurrently(5, |nth| {
        if nth > 0 {
            while !stop.load(SeqCst) && turns.fetch_add(1, SeqCst) < LAST {
                table.remove_now(table.insert(Lengthy)).unwrap();
            }
        } else {
            thread::sleep(Duration::from_millis(20));
            table.quiesce().unwrap();
            stop.store(true, SeqCst);
        }
    });
    let turns = turns.into_inner();
    assert!(turns < LAST, "it waited until the others had stopped");
}

/// What another thread deletes during a `quiesce` may lie in a batch that nobody fills.
#[test]
fn quiesce_ends_though_another_thread_has_begun_a_batch() {
    const SLOTS: usize = 20_000;
    let _serial = serial();
    static CENSUS: Census = Census::new();
    let table = HandleTable::builder().shards(2).batch(SLOTS).build();
    let handles: Vec<_> = (0..SLOTS).map(|n| table.insert(CENSUS.witness(n))).collect();
    for handle in &handles[SLOTS - 200..] {
        thread::scope(|scope| {
            let (begin, begins) = channel();
            let table = &table;
            scope.spawn(move || {
                begins.recv().unwrap();
                table.remove(*handle).unwrap();
            });
            begin.send(()).unwrap();
            let quiesced = table.quiesce_timeout(Duration::from_secs(60));
            assert_eq!(quiesced, Ok(()), "it waits for a batch");
        });
    }
    drop(table);
    CENSUS.assert_all_dropped_once();
}
