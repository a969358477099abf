//! A value that is made knowing its own handle.

use std::{
    cell::Cell,
    panic::{catch_unwind, resume_unwind, AssertUnwindSafe},
    sync::{Barrier, OnceLock},
    thread,
};

use handle_table::{Handle, HandleError, HandleTable, InsertError};

use crate::{
    common::{eventually, run_concurrently, table_kinds, Census, Witness},
    forge,
    serial::serial,
    slots::slots,
};

#[test]
fn the_closure_sees_the_handle_that_is_returned() {
    for table in table_kinds() {
        for n in 0..200 {
            let seen = Cell::new(None);
            let make = |me: Handle<_>| {
                seen.set(Some(me));
                (me.to_raw(), n)
            };
            let handle = if n % 2 == 0 {
                table.insert_with(make)
            } else {
                table.try_insert_with(make).unwrap()
            };
            assert_eq!(seen.get(), Some(handle));
            assert_eq!(*table.get(handle).unwrap(), (handle.to_raw(), n));
            table.remove(handle).unwrap();
        }
    }
    let _serial = serial();
    let handle = Handle::new_with(|me| me);
    assert_eq!(*handle.value::<Handle>(), handle);
    handle.delete();
}

#[test]
fn the_handle_has_no_value_yet_until_the_closure_returns() {
    for table in table_kinds() {
        // Slots that are new, and slots that were used before.
        for n in 0..300_u32 {
            let handle = table.insert_with(|me| {
                assert!(!table.contains(me));
                let errors = [
                    table.get(me).map(drop).unwrap_err(),
                    table.pin().get(me).map(drop).unwrap_err(),
                    table.cloned(me).map(drop).unwrap_err(),
                    table.remove(me).unwrap_err(),
                    table.remove_ref(me).map(drop).unwrap_err(),
                    table.remove_now(me).unwrap_err(),
                ];
                assert_eq!(errors, [HandleError::NotYet { raw: me.to_raw() }; 6]);
                assert!(table.pin().iter().all(|(handle, _)| handle != me));
                table.retain(|handle, _| handle != me);
                n
            });
            assert_eq!(table.cloned(handle), Ok(n));
            table.remove(handle).unwrap();
            table.flush();
        }
    }
    let _serial = serial();
    let handle = Handle::new_with(|me| {
        let not_yet = HandleError::NotYet { raw: me.to_raw() };
        assert_eq!(me.try_value::<u8>().map(drop), Err(not_yet));
        assert_eq!(me.try_delete(), Err(not_yet));
        7_u8
    });
    assert_eq!(*handle.value::<u8>(), 7);
    handle.delete();
}

#[test]
fn no_forged_handle_names_a_slot_that_is_being_filled() {
    // The first slot of a new table is all zeroes then: one flipped bit away from its handle.
    for table in [HandleTable::builder().shards(1).build(), HandleTable::new()] {
        for n in 0..20 {
            let handle = table.insert_with(|me| {
                for one in 0..usize::BITS {
                    for two in 0..=one {
                        let flips = (1_usize << one) ^ (1_usize << two);
                        for raw in [me.to_raw() ^ flips, me.to_raw() ^ (1 << one)] {
                            let Ok(forged) = Handle::from_raw(raw) else {
                                continue;
                            };
                            assert!(!table.contains(forged), "{forged:?} of {me:?}");
                            assert!(table.remove(forged).is_err());
                            assert!(table.get(forged).is_err());
                        }
                    }
                }
                n
            });
            assert_eq!(table.cloned(handle), Ok(n));
            table.remove(handle).unwrap();
        }
    }
}

#[test]
fn another_thread_finds_no_value_until_it_is_whole() {
    let table = HandleTable::new();
    let (told, tried) = (Barrier::new(2), Barrier::new(2));
    let guess = OnceLock::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            told.wait();
            let guess: Handle<String> = *guess.get().unwrap();
            let not_yet = HandleError::NotYet { raw: guess.to_raw() };
            assert_eq!(table.get(guess).map(drop), Err(not_yet));
            assert_eq!(table.remove(guess), Err(not_yet));
            table.clear();
            table.flush();
            tried.wait();
        });
        let handle = table.insert_with(|me| {
            guess.set(me).unwrap();
            told.wait();
            tried.wait();
            String::from("whole")
        });
        assert_eq!(*table.get(handle).unwrap(), "whole");
    });
}

#[test]
fn a_closure_that_panics_leaves_nothing_behind() {
    static CENSUS: Census = Census::new();
    for table in table_kinds::<Witness>() {
        let kept = table.insert(CENSUS.witness(0));
        for n in 1..=150 {
            let seen = Cell::new(None);
            let payload = catch_unwind(AssertUnwindSafe(|| {
                table.insert_with(|me| {
                    seen.set(Some(me));
                    let _made_in_vain = CENSUS.witness(n);
                    resume_unwind(Box::new(n))
                })
            }))
            .unwrap_err();
            assert_eq!(payload.downcast_ref(), Some(&n), "the closure's own panic");
            let seen = seen.get().unwrap();
            assert!(!table.contains(seen));
            assert!(table.get(seen).is_err());
            assert!(table.remove(seen).is_err());
            assert_eq!(table.len(), 1);
            let next = table.insert(CENSUS.witness(n));
            assert_ne!(next, seen);
            table.remove(next).unwrap();
            assert!(table.get(seen).is_err());
        }
        assert_eq!(table.get(kept).unwrap().look(), 0);
        table.quiesce().unwrap();
        let stats = table.stats();
        assert_eq!((stats.live, stats.pending), (1, 0), "{stats}");
    }
    CENSUS.assert_all_dropped_once();
}

#[test]
fn a_closure_that_fails_leaves_nothing_behind() {
    static CENSUS: Census = Census::new();
    for table in table_kinds::<Witness>() {
        for n in 0..300 {
            let seen = Cell::new(None);
            let is_made = n % 3 > 0;
            let inserted = table.try_insert_with_result(|me| {
                seen.set(Some(me));
                let value = CENSUS.witness(n);
                if is_made {
                    Ok(value)
                } else {
                    Err(n)
                }
            });
            let seen = seen.get().unwrap();
            match inserted {
                Ok(handle) => {
                    assert_eq!((handle, table.get(handle).unwrap().look()), (seen, n));
                    table.remove(handle).unwrap();
                    if n % 10 == 0 {
                        // A reader of another test may be in the way for long.
                        table.quiesce().unwrap();
                    }
                }
                Err(error) => {
                    assert_eq!(error.code(), None);
                    assert!(matches!(error, InsertError::Failed(of) if of == n));
                    let deleted = table.get(seen).map(drop);
                    assert!(matches!(deleted, Err(HandleError::Deleted { .. })), "{deleted:?}");
                }
            }
            assert!(table.is_empty());
        }
        // One block of slots, used again and again, and some more for what has waited for readers
        // of other tests; 100 would be lost. In a small build a slot has six uses.
        table.quiesce().unwrap();
        let stats = table.stats();
        assert!(slots(stats) < 100, "{stats}");
    }
    CENSUS.assert_all_dropped_once();
}

#[test]
fn slots_of_closures_that_panic_are_used_again() {
    for table in table_kinds::<u8>() {
        for _ in 0..1_000 {
            let make = || table.insert_with(|_| resume_unwind(Box::new(())));
            assert!(catch_unwind(AssertUnwindSafe(make)).is_err());
        }
        let stats = table.stats();
        assert_eq!((stats.live, stats.pending), (0, 0), "{stats}");
        // One block of slots, used again and again. In a small build a slot has six uses.
        let most = if cfg!(handle_table_small) { 1_000 / 6 + 4 } else { 32 };
        assert!(stats.vacant + stats.exhausted <= most, "{stats}");
    }
}

#[test]
fn a_process_wide_closure_that_panics_leaves_nothing_behind() {
    let _serial = serial();
    let seen = Cell::new(None);
    let result = catch_unwind(AssertUnwindSafe(|| {
        Handle::new_with(|me| -> u8 {
            seen.set(Some(me));
            resume_unwind(Box::new(()))
        })
    }));
    assert!(result.is_err());
    let seen = seen.get().unwrap();
    assert!(seen.try_value::<u8>().is_err());
    assert!(seen.try_delete().is_err());
}

/// A value that lists its own handle and those of other values.
#[derive(Clone)]
struct Nested(Vec<Handle<Nested>>);

#[test]
fn nested_closures_get_slots_of_their_own() {
    for table in table_kinds::<Nested>() {
        for turn in 0..50 {
            // Seven closures, one inside the other. Each value lists its handle and all inner ones.
            fn nest(table: &HandleTable<Nested>, depth: usize) -> Handle<Nested> {
                table.insert_with(|me| {
                    assert!(!table.contains(me));
                    let mut all = vec![me];
                    if depth > 0 {
                        let inner = nest(table, depth - 1);
                        all.extend(&table.get(inner).unwrap().0);
                    }
                    let other = table.insert(Nested(vec![me]));
                    table.remove_now(other).unwrap();
                    Nested(all)
                })
            }
            let outer = nest(&table, 6);
            let Nested(all) = table.cloned(outer).unwrap();
            assert_eq!((all.len(), all[0]), (7, outer));
            let mut distinct = all.clone();
            distinct.sort();
            distinct.dedup();
            assert_eq!(distinct.len(), 7, "turn {turn}");
            for (depth, handle) in all.iter().enumerate() {
                assert_eq!(table.get(*handle).unwrap().0, all[depth..]);
                table.remove(*handle).unwrap();
            }
            assert!(table.is_empty());
        }
    }
}

#[test]
fn a_panic_in_a_nested_closure_spares_the_outer_slot() {
    let table = HandleTable::builder().shards(2).max_handles(2).build();
    for _ in 0..50 {
        let outer = table.insert_with(|_| {
            let inner = AssertUnwindSafe(|| table.insert_with(|_| resume_unwind(Box::new(()))));
            assert!(catch_unwind(inner).is_err());
            7
        });
        assert_eq!(table.cloned(outer), Ok(7));
        assert_eq!(table.len(), 1);
        table.remove(outer).unwrap();
    }
}

#[test]
fn a_closure_may_use_the_table() {
    for table in table_kinds() {
        for n in 0..20 {
            let before = table.insert(n);
            let handle = table.insert_with(|_| {
                table.remove(before).unwrap();
                table.flush();
                table.quiesce().unwrap();
                table.clear();
                assert!(table.is_empty());
                assert_eq!(table.stats().live, 0);
                n
            });
            assert_eq!(table.cloned(handle), Ok(n));
            table.remove(handle).unwrap();
        }
    }
}

#[test]
fn closures_of_many_threads_get_slots_of_their_own() {
    let table = HandleTable::builder().shards(2).build();
    run_concurrently(8, |nth| {
        for n in 0..300 {
            let make = |me: Handle<_>| {
                if n % 16 == 0 {
                    thread::yield_now();
                }
                if n % 5 == 0 {
                    resume_unwind(Box::new(()));
                }
                (me.to_raw(), nth, n)
            };
            match catch_unwind(AssertUnwindSafe(|| table.insert_with(make))) {
                Ok(handle) => {
                    assert_eq!(table.cloned(handle), Ok((handle.to_raw(), nth, n)));
                    table.remove(handle).unwrap();
                }
                Err(_) => assert_eq!(n % 5, 0),
            }
        }
    });
    assert!(table.is_empty());
    eventually("nothing is pending", || {
        table.flush();
        table.stats().pending == 0
    });
    assert!(table.get(forge(1)).is_err());
}
