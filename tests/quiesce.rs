//! Who waits for whom: `quiesce`, `flush`, and readers that let go now and then. One test at a time:
//! a `Ref` of any table holds up the drops of all.
#![cfg(not(loom))]

mod common;

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

use common::{aside, eventually, serial, together, while_another_reads, SetAtEnd};
use handle_table::{HandleTable, QuiesceError};

type Table = HandleTable<Arc<()>>;

fn tables() -> [Table; 3] {
    let builder = HandleTable::builder;
    [
        builder().shards(8).build(),
        builder().shards(1).build(),
        builder().shards(2).max_handles(1 << 20).build(),
    ]
}

/// Whether the table has dropped its clone.
fn dropped(value: &Arc<()>) -> bool {
    Arc::strong_count(value) == 1
}

#[test]
fn quiesce_returns_before_a_reader_lets_go() {
    let _serial = serial();
    for table in tables() {
        let value = Arc::new(());
        let handle = table.insert(Arc::clone(&value));
        let (returned, let_go) = (AtomicBool::new(false), AtomicBool::new(false));
        thread::scope(|scope| {
            while_another_reads(&table, Some(handle), || {
                table.remove(handle).unwrap();
                scope.spawn(|| {
                    table.quiesce().unwrap();
                    returned.store(true, SeqCst);
                    assert!(let_go.load(SeqCst), "it did not wait");
                    assert!(dropped(&value), "it did not wait for the drop");
                });
                thread::sleep(Duration::from_millis(20));
                assert!(!returned.load(SeqCst));
                let_go.store(true, SeqCst);
            });
        });
        assert!(returned.load(SeqCst));
    }
}

#[test]
fn quiesce_waits_for_readers_that_came_later_or_for_itself() {
    let _serial = serial();
    let (table, other) = (Table::new(), Table::new());
    let handle = other.insert(Arc::new(()));
    let held = other.get(handle).unwrap();
    assert_eq!(
        table.quiesce(),
        Ok(()),
        "a table that was never used has nothing to wait for"
    );
    table.remove(table.insert(Arc::new(()))).unwrap();
    assert_eq!(
        table.quiesce(),
        Err(QuiesceError::Pinned),
        "a Ref of another table"
    );
    drop(held);
    let pinned = other.pin();
    assert_eq!(
        table.quiesce(),
        Err(QuiesceError::Pinned),
        "a Pinned of another table"
    );
    drop(pinned);
    assert_eq!(table.quiesce(), Ok(()));

    // One reader after the other, so that there is always one, but none for long.
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !stop.load(Relaxed) {
                    assert!(other.get(handle).is_ok());
                }
            });
        }
        let _stop = SetAtEnd(&stop);
        for _ in 0..20 {
            let value = Arc::new(());
            table.remove(table.insert(Arc::clone(&value))).unwrap();
            table.quiesce().unwrap();
            assert!(dropped(&value));
        }
    });
}

#[test]
fn repin_lets_nothing_go() {
    let _serial = serial();
    for table in tables() {
        let kept = table.insert(Arc::new(()));
        let stop = AtomicBool::new(false);
        let (ready, is_ready) = channel();
        thread::scope(|scope| {
            let (table, stop) = (&table, &stop);
            scope.spawn(move || {
                // A message pump: always pinned, and for one turn at a time.
                let mut pinned = table.pin();
                ready.send(()).unwrap();
                while !stop.load(Relaxed) {
                    assert!(pinned.get(kept).is_ok());
                    pinned.repin();
                }
            });
            let _stop = SetAtEnd(stop);
            is_ready.recv().unwrap();
            for _ in 0..20 {
                let value = Arc::new(());
                table.remove(table.insert(Arc::clone(&value))).unwrap();
                table.quiesce().unwrap();
                assert!(dropped(&value));
            }
        });
    }
}

#[test]
fn repin_lets_go_what_another_pin_of_the_thread_sees() {
    let _serial = serial();
    for table in tables() {
        let value = Arc::new(());
        let handle = table.insert(Arc::clone(&value));
        let held = table.get(handle).unwrap();
        let mut pinned = table.pin();
        table.remove(handle).unwrap();
        for _ in 0..10 {
            pinned.repin();
            aside(|| table.flush());
            assert_eq!(Arc::strong_count(&held), 2);
        }
        drop(held);
        pinned.repin();
        assert!(pinned.get(handle).is_err());
        drop(pinned);
        table.flush();
        assert!(dropped(&value));
    }
}

/// A value whose drop says that it has begun, and waits to be told to go on.
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

/// Whether `wait` returns only after a drop that another thread is in the middle of, by `drop_it`.
fn waits_for_a_drop(
    drop_it: fn(&HandleTable<Slow>, handle_table::Handle),
    wait: fn(&HandleTable<Slow>),
) -> bool {
    let table = HandleTable::new();
    let (begun, done) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicBool::new(false)),
    );
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
        // Time to return too early in.
        thread::sleep(Duration::from_millis(20));
        drop(go_on);
        waiting.join().unwrap()
    })
}

#[test]
fn flush_or_quiesce_return_in_the_middle_of_another_threads_drop() {
    let _serial = serial();
    let ways: [fn(&HandleTable<Slow>, handle_table::Handle); 2] = [
        |table, handle| table.remove_now(handle).unwrap(),
        |table, handle| {
            table.remove(handle).unwrap();
            table.flush();
        },
    ];
    for drop_it in ways {
        assert!(waits_for_a_drop(drop_it, |table| table.quiesce().unwrap()));
        assert!(waits_for_a_drop(drop_it, HandleTable::flush), "flush");
    }
}

#[test]
fn quiesce_waits_for_ever_beside_threads_that_go_on_dropping() {
    struct Lengthy;
    impl Drop for Lengthy {
        fn drop(&mut self) {
            thread::sleep(Duration::from_millis(10));
        }
    }
    let _serial = serial();
    let table = HandleTable::new();
    let (turns, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    // Some seconds. Without an end the test would wait for ever, too.
    const LAST: usize = 1_000;
    together(5, |nth| {
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
