//! Values that are taken: `OnceTable`, which has no readers.
#![cfg(loom)]

use std::sync::{
    atomic::{AtomicBool, Ordering::Relaxed},
    Arc,
};

use handle_table::{Handle, HandleError, OnceTable};
use loom::{sync::atomic::AtomicUsize, thread};
use loom_tests::{
    check, forge_next, is_deleted, join, same_slot, table_of, AllLeases, Idle, Ledger, Mark,
    Tracked,
};

type Table = Arc<OnceTable<Tracked>>;

/// Makes the calling thread take a lease, so that it is the owner of a shard from here on.
fn take_lease() {
    drop(table_of::<u8>(1));
}

/// An empty table with this many shards. The calling thread has a lease.
fn table(shards: usize) -> Table {
    take_lease();
    Arc::new(OnceTable::builder().shards(shards).build())
}

/// Runs `there` on a new thread that has a lease, while the calling thread runs `here`.
///
/// Without a lease, the thread would take one in the middle of its first call. The fence in that
/// would hide what the call itself lacks.
fn race<A: 'static, B>(
    table: &Table,
    there: impl FnOnce(&Table) -> A + 'static,
    here: impl FnOnce() -> B,
) -> (A, B, Idle) {
    let there = move |table: &Table| {
        take_lease();
        there(table)
    };
    loom_tests::race(table, there, || {
        // So the other thread may also be first.
        thread::yield_now();
        here()
    })
}

/// Takes the value of `handle`, which has that number, unless another thread was faster.
fn take(table: &Table, handle: Handle<Tracked>, number: usize) -> bool {
    match table.take(handle) {
        Ok(value) => value.number() == number,
        error => {
            assert!(is_deleted(&error));
            false
        }
    }
}

/// What a drain takes, in its order.
fn drain(table: &Table) -> Vec<(Handle<Tracked>, usize)> {
    table.drain().map(|(handle, value)| (handle, value.number())).collect()
}

/// Two things of which each must happen in some schedule, or the model shows nothing. Not of
/// loom's types, since this goes over all schedules.
#[derive(Clone, Default)]
struct Either(Arc<[AtomicBool; 2]>);

impl Either {
    /// Notes that the second one happened, or the first.
    fn note(&self, which: bool) {
        self.0[usize::from(which)].store(true, Relaxed);
    }

    /// Checks a model that notes one or the other.
    fn check(model: impl Fn(&Self) + Send + Sync + 'static) {
        let seen = Self::default();
        let notes = seen.clone();
        check(move || model(&notes));
        assert!(seen.0.iter().all(|seen| seen.load(Relaxed)), "either may happen");
    }
}

/// Edge "delete". Fails if `AtomicState::unlink` loses its compare-exchange, or `unlink_slot` does
/// without it: two threads get one value.
#[test]
fn one_of_two_takes_gets_the_value() {
    for shards in [1, 4] {
        Either::check(move |there_wins| {
            let (table, ledger) = (table(shards), Ledger::new());
            let handle = table.insert(ledger.value(7));
            let there = move |table: &Table| take(table, handle, 7);
            let (there, here, _idle) = race(&table, there, || take(&table, handle, 7));
            assert!(here != there, "one of two gets it");
            assert_eq!((table.len(), ledger.alive()), (0, 0));
            there_wins.note(there);
            ledger.close(table);
        });
    }
}

/// Edge "delete". Fails if a take and a remove both get the value.
#[test]
fn one_of_take_and_remove_gets_the_value() {
    Either::check(|is_taken| {
        let (table, ledger) = (table(4), Ledger::new());
        let handle = table.insert(ledger.value(7));
        let remove = move |table: &Table| table.remove(handle).is_ok();
        let (removed, taken, _idle) = race(&table, remove, || take(&table, handle, 7));
        assert!(taken != removed);
        assert_eq!((table.len(), ledger.alive()), (0, 0));
        is_taken.note(taken);
        ledger.close(table);
    });
}

/// Edge "delete". Fails if a take and a drain both get a value, or if the drain leaves one that was
/// there before.
#[test]
fn a_take_and_a_drain_share_the_values_out() {
    Either::check(|is_taken| {
        let (table, ledger) = (table(4), Ledger::new());
        let handles = [1, 2].map(|number| table.insert(ledger.value(number)));
        let there = move |table: &Table| take(table, handles[1], 2);
        let (taken, drained, _idle) = race(&table, there, || drain(&table));
        assert_eq!(drained[0], (handles[0], 1));
        assert_eq!(drained.get(1).copied(), (!taken).then_some((handles[1], 2)));
        assert!(table.is_empty());
        is_taken.note(taken);
        ledger.close(table);
    });
}

/// Edge "publish". Fails if a drain takes a value before it is written.
#[test]
fn a_drain_takes_what_is_inserted_meanwhile_whole_or_leaves_it() {
    Either::check(|is_drained| {
        let (table, ledger) = (table(4), Ledger::new());
        let first = table.insert(ledger.value(1));
        let there = ledger.clone();
        let insert = move |table: &Table| table.insert(there.value(2));
        let (second, drained, _idle) = race(&table, insert, || drain(&table));
        assert_eq!(drained[0], (first, 1));
        match drained.get(1) {
            Some(another) => assert_eq!(*another, (second, 2)),
            None => assert!(take(&table, second, 2)),
        }
        is_drained.note(drained.len() == 2);
        ledger.close(table);
    });
}

/// Edge "publish". Fails if `AtomicState::publish` loses its Release or `AtomicState::unlink` its
/// Acquire: C passes the handle on through ordinary memory, and the thread that takes the value
/// moves it out before it is written.
#[test]
fn a_value_is_taken_whole_or_not_at_all() {
    Either::check(|is_taken| {
        let (table, ledger) = (table(4), Ledger::new());
        let _first = table.insert(ledger.value(0));
        let word = Arc::new(AtomicUsize::new(0));
        let take = {
            let word = Arc::clone(&word);
            move |table: &Table| {
                let Ok(handle) = Handle::from_raw(word.load(Relaxed)) else { return false };
                match table.take(handle) {
                    Ok(value) => value.number() == 1,
                    // As far as this thread can see, the handle is not issued yet.
                    Err(error) => {
                        assert!(matches!(error, HandleError::Unknown { .. }));
                        false
                    }
                }
            }
        };
        let (taken, handle, _idle) = race(&table, take, || {
            let handle = table.insert(ledger.value(1));
            word.store(handle.to_raw(), Relaxed);
            handle
        });
        assert!(taken != table.contains(handle));
        is_taken.note(taken);
        ledger.close(table);
    });
}

/// Edge "publish". Fails if `ReservedSlot::publish` stores the state before the value: a guess at
/// the handle that `insert_with` is about to issue takes half a value.
#[test]
fn a_guessed_handle_takes_nothing_before_its_value_is_there() {
    Either::check(|is_taken| {
        let (table, ledger) = (table(1), Ledger::new());
        let first = table.insert(ledger.value(1));
        assert!(take(&table, first, 1));
        let guess = forge_next(first);
        let there = move |table: &Table| match table.take(guess) {
            Ok(value) => value.number() == 2,
            Err(HandleError::Unknown { .. } | HandleError::NotYet { .. }) => false,
            Err(error) => panic!("{error}"),
        };
        let (taken, second, _idle) = race(&table, there, || {
            table.insert_with(|me| {
                assert!(!table.contains(me));
                ledger.value(2)
            })
        });
        assert_eq!(second, guess);
        assert!(taken != table.contains(second));
        is_taken.note(taken);
        ledger.close(table);
    });
}

/// Edges "delete" and "recycle". Fails if `UnlinkedOnce::free` frees a slot under the generation
/// that was taken: a stale handle takes the next value of its slot.
#[test]
fn a_stale_handle_takes_nothing() {
    for shards in [1, 4] {
        Either::check(move |there_wins| {
            let (table, ledger) = (table(shards), Ledger::new());
            let first = table.insert(ledger.value(1));
            let there = move |table: &Table| take(table, first, 1);
            let (there, (here, second), _idle) = race(&table, there, || {
                let here = take(&table, first, 1);
                (here, table.insert(ledger.value(2)))
            });
            assert!(here != there);
            assert_ne!(first, second);
            assert!(is_deleted(&table.take(first)));
            assert!(take(&table, second, 2));
            there_wins.note(there);
            ledger.close(table);
        });
    }
}

/// Edge "delete". Fails if `AtomicState::unlink` loses its Release: the loser of two takes is told
/// that the value is gone, and doesn't see what the winner did before.
#[test]
fn a_losing_take_sees_what_the_winner_did() {
    for shards in [1, 4] {
        Either::check(move |here_wins| {
            let (table, ledger) = (table(shards), Ledger::new());
            let handle = table.insert(ledger.value(1));
            let mark = Mark::new();
            let there = {
                let mark = Arc::clone(&mark);
                move |table: &Table| {
                    mark.set();
                    take(table, handle, 1)
                }
            };
            let (_, here, _idle) = race(&table, there, || {
                let here = take(&table, handle, 1);
                if !here {
                    mark.assert_set();
                }
                here
            });
            here_wins.note(here);
            ledger.close(table);
        });
    }
}

/// Edge "recycle". Fails if `UnlinkedOnce::take` frees the slot before it moves the value out, or
/// under its old generation: an insert of another thread writes over it. In a table of one shard
/// the slot goes to a stack that all threads pop.
#[test]
fn a_value_is_moved_out_before_its_slot_is_used_again() {
    Either::check(|is_used_again| {
        let (table, ledger) = (table(1), Ledger::new());
        let first = table.insert(ledger.value(1));
        let there = move |table: &Table| take(table, first, 1);
        let (taken, second, _idle) = race(&table, there, || table.insert(ledger.value(2)));
        assert!(taken && first != second);
        is_used_again.note(same_slot(first, second));
        assert!(take(&table, second, 2));
        ledger.close(table);
    });
}

/// Edge "recycle". Fails if `UnlinkedOnce::drop_value` frees the slot before it drops the value: an
/// insert of another thread writes over it.
#[test]
fn a_value_is_dropped_before_its_slot_is_used_again() {
    Either::check(|is_used_again| {
        let (table, ledger) = (table(1), Ledger::new());
        let first = table.insert(ledger.value(1));
        let there = move |table: &Table| table.remove(first).unwrap();
        let ((), second, _idle) = race(&table, there, || table.insert(ledger.value(2)));
        is_used_again.note(same_slot(first, second));
        assert!(take(&table, second, 2));
        ledger.close(table);
    });
}

/// Edge "recycle". Fails if an owner that takes values of another shard frees a slot before it
/// moves the value out, or under its old generation.
#[test]
fn the_slots_of_values_that_another_owner_takes_are_used_again() {
    Either::check(|are_used_again| {
        let (table, ledger) = (table(4), Ledger::new());
        let first = [1, 2].map(|number| table.insert(ledger.value(number)));
        let there = move |table: &Table| take(table, first[0], 1) && take(table, first[1], 2);
        let insert = || [3, 4].map(|number| table.insert(ledger.value(number)));
        let (taken, second, _idle) = race(&table, there, insert);
        assert!(taken);
        assert!(!same_slot(second[0], second[1]));
        are_used_again.note(same_slot(second[0], first[0]) || same_slot(second[0], first[1]));
        for (handle, number) in second.into_iter().zip([3, 4]) {
            assert!(!first.contains(&handle));
            assert!(take(&table, handle, number));
        }
        ledger.close(table);
    });
}

/// Edge "recycle". Fails if `AwaySlots` loses a slot: links it wrongly, or keeps it.
#[test]
fn an_owner_returns_all_slots_of_another_shard() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let first = [1, 2, 3, 4].map(|number| table.insert(ledger.value(number)));
        let there = move |table: &Table| {
            first.iter().zip(1..).all(|(handle, number)| take(table, *handle, number))
        };
        let (taken, (), _idle) = race(&table, there, || ());
        assert!(taken);
        assert_eq!(table.stats().vacant, 4);
        let second = [5, 6, 7, 8].map(|number| table.insert(ledger.value(number)));
        for handle in second {
            assert!(first.iter().any(|old| same_slot(*old, handle)), "a slot was lost");
        }
        assert_eq!(table.drain().count(), 4);
        ledger.close(table);
    });
}

/// Edge "lease". Fails if the slots that an owner has freed and not yet returned are lost when its
/// thread ends, or are used by the next owner of its shard without happening after it.
#[test]
fn the_next_owner_returns_what_the_last_one_has_kept() {
    check(|| {
        let (table, ledger) = (table(4), Ledger::new());
        let first = [1, 2].map(|number| table.insert(ledger.value(number)));
        for (handle, number) in first.into_iter().zip([1, 2]) {
            let table = Arc::clone(&table);
            join(thread::spawn(move || {
                take_lease();
                assert!(take(&table, handle, number));
            }));
        }
        let second = [3, 4].map(|number| table.insert(ledger.value(number)));
        for handle in second {
            assert!(first.iter().any(|old| same_slot(*old, handle)), "a slot was lost");
        }
        assert_eq!(table.drain().count(), 2);
        ledger.close(table);
    });
}

/// Edge "recycle". Fails if a thread that found no lease free frees a slot before it moves the
/// value out: the slot's owner, or another such thread, writes over it.
#[test]
fn a_thread_without_a_lease_takes_whole_values() {
    Either::check(|there_wins| {
        let (table, ledger) = (table(4), Ledger::new());
        let leases = AllLeases::take();
        let first = table.insert(ledger.value(1));
        let there = {
            let ledger = ledger.clone();
            move |table: &Table| (take(table, first, 1), table.insert(ledger.value(2)))
        };
        let ((there, second), (here, third), idle) =
            race(&table, there, || (take(&table, first, 1), table.insert(ledger.value(3))));
        assert!(here != there);
        there_wins.note(there);
        assert!(!same_slot(second, third));
        assert!(take(&table, second, 2) && take(&table, third, 3));
        drop((idle, leases));
        ledger.close(table);
    });
}
