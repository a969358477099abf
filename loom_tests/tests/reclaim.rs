//! Values and their end: readers, batches, walkers.
#![cfg(loom)]

use std::sync::{Arc, Weak};

use handle_table::HandleTable;
use loom::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};
use loom_tests::{
    check, check_with_fewer, is_deleted, other_table, pass_grace, race, same_slot, table, Deed,
    Ledger, Table, Tracked,
};

/// "grace": a batch is dropped while a reader from before its retirement still looks.
#[test]
fn a_batch_is_dropped_under_a_pinned_reader() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let handles = [0, 1].map(|number| table.insert(ledger.value(number)));
        let read = move |table: &Table| {
            let pinned = table.pin();
            for number in [0, 1] {
                match pinned.get(handles[number]) {
                    Ok(value) => assert_eq!(value.number(), number),
                    error => assert!(is_deleted(&error)),
                }
            }
        };
        // Each is a batch, and helps the one before it on.
        let _idle = race(&table, read, || {
            handles.map(|handle| table.remove(handle).unwrap())
        });
        ledger.close(table);
    });
}

/// `ReadyLists::deliver` without Release or `take` without Acquire: the reader's own thread makes
/// the batch ready, and the value is dropped by one who does not come after the reader.
#[test]
fn a_batch_that_the_reader_delivers_is_dropped_before_its_read() {
    check(|| {
        let (table, ledger, other) = (table(1), Ledger::new(), other_table());
        let handles = [0, 1].map(|number| table.insert(ledger.value(number)));
        table.remove(handles[0]).unwrap();
        pass_grace(&other);
        // One batch is ready: whoever comes next looks for more.
        let read = move |table: &Table| {
            if let Ok(value) = table.get(handles[1]) {
                thread::yield_now();
                assert_eq!(value.number(), 1);
            }
            pass_grace(&other);
        };
        let _idle = race(&table, read, || {
            thread::yield_now();
            table.remove(handles[1]).unwrap();
        });
        ledger.close(table);
    });
}

/// `Pinned::repin`: the value that is found after it is dropped under it.
#[test]
fn a_value_is_dropped_after_the_reader_pins_anew() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let handles = [0, 1].map(|number| table.insert(ledger.value(number)));
        let read = move |table: &Table| {
            drop(table.pin());
            let mut pinned = table.pin();
            thread::yield_now();
            pinned.repin();
            match pinned.get(handles[0]) {
                Ok(value) => assert_eq!(value.number(), 0),
                error => assert!(is_deleted(&error)),
            }
        };
        let _idle = race(&table, read, || {
            for handle in handles {
                thread::yield_now();
                table.remove(handle).unwrap();
            }
        });
        ledger.close(table);
    });
}

/// The fence of `repin`, weaker than SeqCst: the reader, who has just helped the epoch on, sees the
/// state from before a deletion that was sealed in the epoch before.
#[test]
fn a_value_is_dropped_under_a_reader_who_has_moved_the_epoch() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let handles = [0, 1].map(|number| table.insert(ledger.value(number)));
        let read = move |table: &Table| {
            // A thread's first pin helps the epoch on.
            let mut pinned = table.pin();
            pinned.repin();
            match pinned.get(handles[0]) {
                Ok(value) => {
                    thread::yield_now();
                    assert_eq!(value.number(), 0);
                }
                error => assert!(is_deleted(&error)),
            }
        };
        let _idle = race(&table, read, || {
            handles.map(|handle| table.remove(handle).unwrap())
        });
        ledger.close(table);
    });
}

/// `HandleTable::remove_ref` pinned after its delete; and `Core::doom` with a grace period that
/// begins before its look at the slots, so that it finds one that was deleted later.
#[test]
fn a_value_is_dropped_before_the_last_look_at_it() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let handle = table.insert(ledger.value(1));
        let look = move |table: &Table| {
            drop(table.pin());
            assert_eq!(table.remove_ref(handle).unwrap().number(), 1);
        };
        let _idle = race(&table, look, || table.flush());
        ledger.close(table);
    });
}

/// `Grace`: `quiesce` returns while a value is still there, or drops it under a reader.
#[test]
fn quiesce_does_not_wait_for_a_reader() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let handle = table.insert(ledger.value(1));
        let read = move |table: &Table| match table.get(handle) {
            Ok(value) => assert_eq!(value.number(), 1),
            error => assert!(is_deleted(&error)),
        };
        let _idle = race(&table, read, || {
            table.remove(handle).unwrap();
            table.quiesce().unwrap();
            assert_eq!(ledger.alive(), 0);
        });
        ledger.close(table);
    });
}

/// `Core::doom`: `quiesce` misses what another thread has deleted before it.
#[test]
fn quiesce_misses_what_another_thread_deleted() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let handle = table.insert(ledger.value(1));
        let deleted = Arc::new(AtomicBool::new(false));
        let delete = {
            let deleted = Arc::clone(&deleted);
            move |table: &Table| {
                table.remove(handle).unwrap();
                deleted.store(true, Ordering::Release);
            }
        };
        let _idle = race(&table, delete, || {
            let before = deleted.load(Ordering::Acquire);
            table.quiesce().unwrap();
            if before {
                assert_eq!(ledger.alive(), 0);
            }
        });
        ledger.close(table);
    });
}

/// The wait for `Shard::is_busy`: `quiesce` returns while another thread is still dropping what it
/// took out of a slot.
#[test]
fn quiesce_returns_in_the_middle_of_a_drop() {
    check(|| {
        let (table, ledger, other) = (table(1), Ledger::new(), other_table());
        let handles = [0, 1].map(|number| table.insert(ledger.value(number)));
        table.remove(handles[0]).unwrap();
        pass_grace(&other);
        // The first value is in a batch that is ready; this drops it.
        let delete = move |table: &Table| table.remove(handles[1]).unwrap();
        let _idle = race(&table, delete, || {
            table.quiesce().unwrap();
            assert!(ledger.alive() <= 1, "the first is gone");
        });
        ledger.close(table);
    });
}

/// The drop before the return of a slot, in `Core::drop_batch`: a value whose drop inserts another
/// finds its own slot free, and is overwritten in the middle of its drop.
#[test]
fn a_value_is_overwritten_by_what_its_drop_inserts() {
    struct Parent {
        value: Tracked,
        table: Weak<HandleTable<Parent>>,
        ledger: Ledger,
    }
    impl Drop for Parent {
        fn drop(&mut self) {
            if let Some(table) = self.table.upgrade() {
                let (value, table_of_none) = (self.ledger.value(2), Weak::new());
                let ledger = self.ledger.clone();
                table.insert(Parent {
                    value,
                    table: table_of_none,
                    ledger,
                });
                assert_eq!(self.value.number(), 1, "overwritten");
            }
        }
    }
    check(|| {
        let ledger = Ledger::new();
        let table = Arc::new(HandleTable::builder().shards(4).build());
        drop(table.pin());
        let parent = || Parent {
            value: ledger.value(1),
            table: Arc::downgrade(&table),
            ledger: ledger.clone(),
        };
        let handles = [parent(), parent()].map(|parent| table.insert(parent));
        for handle in handles {
            table.remove(handle).unwrap();
        }
        table.quiesce().unwrap();
        // Those that `quiesce` did not find in limbo went with their batches.
        assert_eq!(ledger.alive(), 2, "their children");
        drop(table);
        assert_eq!(ledger.alive(), 0);
    });
}

/// "walk", `Shard::leave` without Release, `is_busy` without Acquire: `quiesce` returns after a drop,
/// and what that did is not done for its caller.
#[test]
fn quiesce_hides_what_a_drop_did() {
    struct Last(Arc<Deed>);
    impl Drop for Last {
        fn drop(&mut self) {
            self.0.done();
        }
    }
    check(|| {
        let (other, deeds) = (other_table(), [Deed::new(), Deed::new()]);
        let table = Arc::new(HandleTable::builder().shards(1).build());
        drop(table.pin());
        let handles = [0, 1].map(|n: usize| table.insert(Last(Arc::clone(&deeds[n]))));
        table.remove(handles[0]).unwrap();
        pass_grace(&other);
        // The first value is in a batch that is ready; this drops it.
        let delete = move |table: &Arc<HandleTable<Last>>| table.remove(handles[1]).unwrap();
        let _idle = race(&table, delete, || {
            table.quiesce().unwrap();
            deeds[0].assert_done();
        });
    });
}

/// `Core::delete_now` without its grace period.
#[test]
fn remove_now_drops_a_value_under_a_reader() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let handle = table.insert(ledger.value(1));
        let read = move |table: &Table| match table.get(handle) {
            Ok(value) => assert_eq!(value.number(), 1),
            error => assert!(is_deleted(&error)),
        };
        let _idle = race(&table, read, || table.remove_now(handle).unwrap());
        ledger.close(table);
    });
}

/// `Core::flush` without its grace period.
#[test]
fn flush_drops_a_value_under_a_reader() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let handle = table.insert(ledger.value(1));
        let read = move |table: &Table| match table.get(handle) {
            Ok(value) => {
                // It yields to readers, and gives up.
                for _ in 0..6 {
                    thread::yield_now();
                }
                assert_eq!(value.number(), 1);
            }
            error => assert!(is_deleted(&error)),
        };
        let _idle = race(&table, read, || {
            table.remove(handle).unwrap();
            table.flush();
        });
        ledger.close(table);
    });
}

/// "walk": `flush` and the owner of a batch both drop its value, or one drops it unseen by the
/// other: flag, busy count, and the fence on either side.
#[test]
fn a_walker_and_a_batch_drop_the_same_value() {
    check(|| {
        let (table, ledger, other) = (table(1), Ledger::new(), other_table());
        let handles = [0, 1].map(|number| table.insert(ledger.value(number)));
        table.remove(handles[0]).unwrap();
        pass_grace(&other);
        let delete = move |table: &Table| table.remove(handles[1]).unwrap();
        let _idle = race(&table, delete, || table.flush());
        ledger.close(table);
    });
}

/// The generation that a walker remembers: it comes back to a slot that has been used again, and
/// drops the value that is there now, under a reader.
#[test]
fn a_walker_drops_the_next_value_of_a_slot() {
    check(|| {
        let (table, ledger, other) = (table(1), Ledger::new(), other_table());
        let handles = [0, 1].map(|number| table.insert(ledger.value(number)));
        table.remove(handles[0]).unwrap();
        pass_grace(&other);
        let read = {
            let ledger = ledger.clone();
            move |table: &Table| {
                // In one go: what matters is where in the walk it comes.
                loom::stop_exploring();
                // The first value is in a batch that is ready; this drops it.
                table.remove(handles[1]).unwrap();
                let next = table.insert(ledger.value(2));
                let last_look = table.remove_ref(next).unwrap();
                loom::explore();
                for _ in 0..8 {
                    thread::yield_now();
                }
                assert_eq!(last_look.number(), 2);
            }
        };
        let _idle = race(&table, read, || table.flush());
        ledger.close(table);
    });
}

/// "walk", between two walkers: both drop the same value.
#[test]
fn two_walkers_drop_the_same_value() {
    check_with_fewer(1, || {
        let (table, ledger) = (table(4), Ledger::new());
        let handle = table.insert(ledger.value(1));
        table.remove(handle).unwrap();
        let _idle = race(&table, |table| table.flush(), || table.flush());
        ledger.close(table);
    });
}

/// A value whose drop takes its time.
struct Slow(Arc<Deed>);

impl Drop for Slow {
    fn drop(&mut self) {
        // More than a walker yields to others before it gives up.
        for _ in 0..8 {
            thread::yield_now();
        }
        self.0.done();
    }
}

/// `Drops`: `quiesce` returns while another walker still drops what it took, or does not come after
/// those drops.
#[test]
fn quiesce_returns_while_a_walker_drops() {
    check_with_fewer(1, || {
        let table = Arc::new(HandleTable::builder().shards(1).build());
        let deed = Deed::new();
        let handle = table.insert(Slow(Arc::clone(&deed)));
        table.remove(handle).unwrap();
        // Not `flush`, which would find the batch ready, and drop the value with that.
        let walk = |table: &Arc<HandleTable<Slow>>| table.quiesce().unwrap();
        let _idle = race(&table, walk, || {
            table.quiesce().unwrap();
            deed.assert_done();
        });
    });
}

/// `Core::next_live` without a pin: what an iteration yields is dropped; or one that is live all
/// along is missed.
#[test]
fn an_iteration_sees_a_dropped_value_or_misses_a_live_one() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let doomed = table.insert(ledger.value(1));
        let kept = table.insert(ledger.value(2));
        let spare = table.insert(ledger.value(3));
        let read = move |table: &Table| {
            let mut seen = Vec::new();
            for (handle, value) in &table.pin() {
                seen.push((handle, value.number()));
            }
            let of = |wanted| seen.iter().filter(|&&seen| seen == wanted).count();
            assert_eq!(of((kept, 2)), 1);
            assert_eq!(of((doomed, 1)) + of((spare, 3)) + 1, seen.len());
        };
        let _idle = race(&table, read, || {
            table.remove(doomed).unwrap();
            table.remove(spare).unwrap();
        });
        ledger.close(table);
    });
}

/// `Slot::vacate` at the last generation: a slot that is used up is issued again, or readers of
/// its last value meet something else.
#[test]
fn a_slot_is_issued_again_after_its_last_generation() {
    check(|| {
        let (table, ledger) = (table(1), Ledger::new());
        let mut handles = vec![table.insert(ledger.value(0))];
        for number in 1..=5 {
            table.remove(handles[number - 1]).unwrap();
            table.flush();
            handles.push(table.insert(ledger.value(number)));
            assert!(same_slot(handles[0], handles[number]));
        }
        let last = handles[5];
        let delete = move |table: &Table| table.remove(last).is_ok();
        let (there, here, _idle) = race(&table, delete, || {
            let here = table.remove(last).is_ok();
            let next = table.insert(ledger.value(6));
            assert!(!same_slot(last, next));
            here
        });
        assert!(here != there);
        table.quiesce().unwrap();
        // Takes up the batch, which the walk has left where it was.
        table.flush();
        assert_eq!(table.stats().retired, 1);
        assert!(handles.iter().all(|&handle| is_deleted(&table.get(handle))));
        let after = table.insert(ledger.value(7));
        assert!(!same_slot(after, last));
        ledger.close(table);
    });
}
