//! Readers are in the way: the last of them drops the value as it lets go.

use std::{
    sync::{
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc::channel,
        Barrier,
    },
    thread,
    time::Duration,
};

use handle_table::{set_report_hook, Handle, HandleTable};

use crate::{
    assert_empty,
    common::{table_kinds, Census, Witness},
    leak,
    serial::serial,
    Log, OnDrop, Reader,
};

/// In a build with `--cfg handle_table_small` no era begins any more while the old reader holds on.
/// What is deleted then must not wait for each reader that pins before one begins.
#[test]
fn after_many_deletes_under_an_old_reader_later_readers_are_not_waited_for() {
    let _serial = serial();
    for table in table_kinds().map(leak) {
        let log = Log::default();
        let delete_one = || table.remove(table.insert(log.value())).unwrap();
        let old = Reader::new(table, None);
        (0..200).for_each(|_| delete_one());
        let mut reader = Reader::new(table, None);
        delete_one();
        assert_eq!(log.len(), 0);
        old.let_go();
        // There is a reader at all times.
        for _ in 0..3 {
            let next = Reader::new(table, None);
            reader.let_go();
            reader.end();
            assert_eq!((log.len(), table.stats().pending), (201, 0));
            reader = next;
        }
        reader.let_go();
        [old, reader].into_iter().for_each(Reader::end);
        assert_empty(table);
    }
}

#[test]
fn a_callback_that_deletes_its_own_value_drops_it_with_its_ref() {
    let _serial = serial();
    let here = thread::current().id();
    for table in table_kinds() {
        let log = Log::default();
        let handle = table.insert(log.value());
        let value = table.get(handle).unwrap();
        table.remove(handle).unwrap();
        assert_eq!((log.len(), table.stats().pending), (0, 1));
        // What it deletes after that goes at the same time.
        table.remove(table.insert(log.value())).unwrap();
        let other = table.pin();
        drop(value);
        assert_eq!((log.len(), table.stats().pending), (0, 2), "it has another guard");
        drop(other);
        assert_eq!(log.dropped(), [here, here]);
        assert_empty(&table);
    }
}

#[test]
fn repin_drops_what_the_thread_has_deleted() {
    let _serial = serial();
    for table in table_kinds() {
        let log = Log::default();
        let mut pinned = table.pin();
        for n in 0..100 {
            let handle = table.insert(log.value());
            assert!(pinned.get(handle).is_ok());
            table.remove(handle).unwrap();
            assert_eq!((log.len(), table.stats().pending), (n, 1));
            pinned.repin();
            assert_eq!((log.len(), table.stats().pending), (n + 1, 0));
        }
    }
}

#[test]
fn a_long_pass_drops_what_is_deleted_meanwhile() {
    let _serial = serial();
    let numbers = HandleTable::new();
    for n in 0..1_000 {
        let _ = numbers.insert(n);
    }
    for table in table_kinds() {
        let log = Log::default();
        let handle = table.insert(log.value());
        let mut seen = 0;
        numbers.retain(|_, _| {
            seen += 1;
            if seen == 1 {
                table.remove(handle).unwrap();
                assert_eq!(log.len(), 0, "the pass is in the way");
            }
            assert!(seen < 1_000 || log.len() == 1, "it lets go now and then");
            true
        });
        assert_eq!(seen, 1_000);
    }
}

#[test]
fn the_last_of_several_readers_drops_a_value_on_its_thread() {
    let _serial = serial();
    for table in table_kinds().map(leak) {
        for last in 0..3 {
            let log = Log::default();
            let handle = table.insert(log.value());
            let mut readers: Vec<_> =
                (0..3).map(|nth| Reader::new(table, (nth != 1).then_some(handle))).collect();
            table.remove(handle).unwrap();
            // One that comes later is in nobody's way.
            let later = Reader::new(table, None);
            let last = readers.remove(last);
            for reader in readers {
                reader.let_go();
                assert_eq!((log.len(), table.stats().pending), (0, 1));
                reader.end();
            }
            last.let_go();
            assert_eq!(log.dropped(), [last.id()]);
            assert_empty(table);
            last.end();
            later.end();
        }
    }
}

#[test]
fn a_reader_of_another_table_drops_it_as_well() {
    let _serial = serial();
    let other = leak(HandleTable::<u8>::new());
    for table in table_kinds() {
        let log = Log::default();
        let reader = Reader::new(other, None);
        table.remove(table.insert(log.value())).unwrap();
        assert_eq!(log.len(), 0);
        reader.let_go();
        assert_eq!(log.dropped(), [reader.id()]);
        assert_empty(&table);
        reader.end();
    }
}

/// Readers that let go while the value is deleted: one of these threads must drop it.
#[test]
fn a_value_deleted_while_its_readers_let_go_is_not_left_behind() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    const READERS: usize = 3;
    let rounds = if cfg!(debug_assertions) { 3_000 } else { 20_000 };
    for table in table_kinds::<Witness>() {
        let current = AtomicUsize::new(0);
        let (all, most_left) = (Barrier::new(READERS + 1), AtomicUsize::new(0));
        let handle = || Handle::from_raw(current.load(SeqCst)).unwrap();
        thread::scope(|scope| {
            for nth in 0..READERS {
                let (table, all, handle) = (&table, &all, &handle);
                scope.spawn(move || {
                    for round in 0..rounds {
                        all.wait();
                        let held = table.get(handle()).unwrap();
                        all.wait();
                        // So that they leave in all orders.
                        (0..round * (nth + 1) % 64).for_each(|_| std::hint::spin_loop());
                        held.look();
                        drop(held);
                        all.wait();
                    }
                });
            }
            for round in 0..rounds {
                current.store(table.insert(CENSUS.witness(round)).to_raw(), SeqCst);
                all.wait();
                all.wait();
                table.remove(handle()).unwrap();
                all.wait();
                most_left.fetch_max(CENSUS.left(), SeqCst);
            }
        });
        assert_eq!(most_left.load(SeqCst), 0, "values were left behind");
        assert_empty(&table);
        CENSUS.assert_all_dropped_once();
    }
}

#[test]
fn a_hundred_thousand_values_behind_one_reader_go_with_it() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for table in table_kinds::<Witness>().map(leak) {
        let reader = Reader::new(table, None);
        for n in 0..50_000 {
            table.remove(table.insert(CENSUS.witness(n))).unwrap();
        }
        for n in 0..50_000 {
            let _ = table.insert(CENSUS.witness(n));
        }
        assert_eq!(table.clear(), 50_000);
        assert_eq!(CENSUS.left(), 100_000);
        reader.let_go();
        assert_eq!(CENSUS.left(), 0, "some wait for a call that may never come");
        assert_empty(table);
        reader.end();
    }
    CENSUS.assert_all_dropped_once();
}

/// Another thread deletes, and so helps, whenever the last reader has dropped one; until it stops.
/// The reader must not take that help for a promise.
#[test]
fn help_that_ceases_does_not_end_the_last_readers_turn() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    type Value = (Option<OnDrop>, Witness);
    let table = leak(HandleTable::<Value>::new());
    let reader = Reader::new(table, None);
    let reader_id = reader.id();
    let (ask, asked) = channel();
    for n in 0..20_000 {
        let ask = ask.clone();
        let meet = OnDrop::new(move || {
            if thread::current().id() == reader_id {
                let (done, is_done) = channel::<()>();
                ask.send(done).unwrap();
                let _ = is_done.recv();
            }
        });
        table.remove(table.insert((Some(meet), CENSUS.witness(n)))).unwrap();
    }
    reader.let_go.send(()).unwrap();
    let mut helped = 0;
    while reader.has_let_go.try_recv().is_err() {
        let Ok(done) = asked.recv_timeout(Duration::from_millis(1)) else { continue };
        // Fewer times than would drop all of them.
        if helped < 1_000 {
            table.remove(table.insert((None, CENSUS.witness(0)))).unwrap();
            helped += 1;
        }
        drop(done);
    }
    assert_eq!(CENSUS.left(), 0, "they wait for a call that may never come");
    assert_empty(table);
    reader.end();
}

#[test]
fn a_panic_in_the_last_readers_turn_is_contained_and_counted() {
    let _serial = serial();
    struct Bomb(#[allow(dead_code)] Witness);
    impl Drop for Bomb {
        fn drop(&mut self) {
            // The default hook would write a line for each.
            set_report_hook(|_| ());
            std::panic::resume_unwind(Box::new(7));
        }
    }
    static CENSUS: Census = Census::new();
    for table in table_kinds().map(leak) {
        let kept = table.insert(Bomb(CENSUS.witness(0)));
        let value = table.get(kept).unwrap();
        for n in 0..10 {
            table.remove(table.insert(Bomb(CENSUS.witness(n)))).unwrap();
        }
        table.remove(kept).unwrap();
        assert_eq!((CENSUS.left(), table.stats().drop_panics), (11, 0));
        drop(value);
        let stats = table.stats();
        assert_eq!((stats.pending, stats.drop_panics), (0, 11), "{stats}");
        // The thread is neither pinned nor inside of a drop any more.
        assert_eq!(table.remove_now(table.insert(Bomb(CENSUS.witness(0)))), Ok(true));
        assert_eq!(table.quiesce(), Ok(()));

        let handle = table.insert(Bomb(CENSUS.witness(0)));
        let reader = Reader::new(table, Some(handle));
        table.remove(handle).unwrap();
        reader.let_go();
        assert_eq!(table.stats().drop_panics, 13);
        reader.end();
    }
    CENSUS.assert_all_dropped_once();
}
