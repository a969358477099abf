//! Handles that are known before their values are there: `reserve`, then `fill` or a drop.
//! (By several threads: `reserve_threads.rs`.)

use std::{collections::HashSet, mem};

use handle_table::{CallError, Handle, HandleError, HandleTable};

use crate::{
    common::{on_new_thread, table_kinds, Census, Witness},
    forge, quiet,
    slots::slots,
};

/// Whether the answer is that this handle was deleted.
pub(crate) fn is_deleted<T: ?Sized, R>(handle: Handle<T>, answer: Result<R, HandleError>) -> bool {
    matches!(answer, Err(HandleError::Deleted { raw, .. }) if raw == handle.to_raw())
}

/// Every verb that takes a handle gets the error of `get` for it, and does nothing else.
#[track_caller]
fn assert_all_verbs_refuse<T>(table: &HandleTable<T>, handle: Handle<T>) -> HandleError
where
    T: Clone + Send + Sync + 'static,
{
    quiet();
    let word = handle.to_ptr();
    let error = table.get(handle).map(drop).unwrap_err();
    let errors = [
        table.pin().get(handle).map(drop).unwrap_err(),
        table.cloned(handle).map(drop).unwrap_err(),
        table.get_in_signal(handle, |_| ()).unwrap_err(),
        table.call_catching(word, |_| ()).map(drop).unwrap_err(),
        table.remove(handle).unwrap_err(),
        table.remove_ref(handle).map(drop).unwrap_err(),
        table.remove_now(handle).unwrap_err(),
    ];
    assert_eq!(errors, [error; 7]);
    assert!(!table.contains(handle));
    let bad = table.stats().bad_handles;
    assert_eq!(table.call(word, |_| ()), Err(CallError::Handle(error)));
    assert_eq!(table.call_cloned(word, |_| ()), Err(CallError::Handle(error)));
    table.destroy(word);
    assert_eq!(table.stats().bad_handles, bad + 3);
    assert!(table.pin().iter().all(|(other, _)| other != handle));
    table.retain(|other, _| {
        assert_ne!(other, handle);
        true
    });
    error
}

#[test]
fn a_reserved_handle_has_no_value_until_it_is_filled() {
    for table in table_kinds() {
        let kept = table.insert(usize::MAX);
        // Slots that are new, and slots that were used before.
        for n in 0..100 {
            let reserved = table.reserve();
            let handle = reserved.handle();
            let not_yet = HandleError::NotYet { raw: handle.to_raw() };
            assert_eq!(assert_all_verbs_refuse(&table, handle), not_yet);
            assert_eq!(format!("{reserved:?}"), format!("Reserved({handle:?})"));
            assert_eq!(table.len(), 1);
            // Nor does it take part in what goes over the whole table.
            table.flush();
            table.quiesce().unwrap();

            assert_eq!(reserved.fill(n), handle);
            assert_eq!(table.cloned(handle), Ok(n));
            assert_eq!(table.call(handle.to_ptr(), |value| *value), Ok(n));
            assert_eq!(table.pin().iter().count(), 2);
            table.remove(handle).unwrap();
            let error = assert_all_verbs_refuse(&table, handle);
            assert!(is_deleted(handle, Err::<(), _>(error)), "{error}");
        }
        assert_eq!(table.cloned(kept), Ok(usize::MAX));
    }
}

#[test]
fn a_reserved_handle_that_is_dropped_is_never_issued() {
    static CENSUS: Census = Census::new();
    for table in table_kinds() {
        let mut seen = HashSet::new();
        for n in 0..300 {
            let handle = table.reserve().handle();
            assert!(seen.insert(handle), "{handle:?} was reserved twice");
            assert!(is_deleted(handle, table.get(handle)));
            // Nor by an insert into its slot.
            let next = table.insert(CENSUS.witness(n));
            assert!(seen.insert(next), "{next:?} was shown before");
            assert!(is_deleted(handle, table.get(handle)));
            assert!(is_deleted(handle, table.remove(handle)));
            assert_eq!(table.get(next).map(|value| value.look()), Ok(n));
            if n % 3 > 0 {
                table.remove(next).unwrap();
            }
        }
        assert_eq!(table.len(), 100);
        table.quiesce().unwrap();
        let stats = table.stats();
        assert_eq!((stats.live, stats.pending), (100, 0), "{stats}");
    }
    CENSUS.assert_all_dropped_once();
}

#[test]
fn a_dropped_handles_slot_is_used_again() {
    for table in table_kinds::<String>() {
        for _ in 0..1_000 {
            drop(table.reserve());
        }
        // One block of slots, used again and again. In a small build a slot has six uses.
        let most = if cfg!(handle_table_small) { 1_000 / 6 + 4 } else { 32 };
        let stats = table.stats();
        assert!(slots(stats) <= most, "{stats}");
        assert_eq!((stats.live, stats.pending), (0, 0), "{stats}");
    }
}

#[test]
fn a_value_that_is_made_in_vain_is_dropped_once() {
    static CENSUS: Census = Census::new();
    for table in table_kinds() {
        let open = |is_open: bool| -> Result<Handle<Witness>, &'static str> {
            let reserved = table.reserve();
            let value = CENSUS.witness(7);
            if !is_open {
                return Err("an early return");
            }
            Ok(reserved.fill(value))
        };
        assert!(open(false).is_err());
        assert_eq!((CENSUS.left(), table.len()), (0, 0));
        assert_eq!(open(true).map(|handle| table.contains(handle)), Ok(true));
        assert_eq!((CENSUS.left(), table.len()), (1, 1));
        drop(table);
        CENSUS.assert_all_dropped_once();
    }
}

#[test]
fn a_reserved_handle_counts_for_the_limit_until_it_is_dropped() {
    for shards in [1, 4] {
        let table = HandleTable::builder().shards(shards).max_handles(2).build();
        for n in 0..100 {
            let first = table.try_reserve().unwrap();
            let second = table.try_reserve().unwrap();
            assert!(table.try_reserve().is_err());
            assert_eq!(table.try_insert(n).map_err(|full| full.into_inner()), Err(n));
            assert!(table.try_insert_with(|_| n).is_err());

            // One that can't be deleted yet gives nothing back.
            let not_yet = HandleError::NotYet { raw: second.handle().to_raw() };
            assert_eq!(table.remove(second.handle()), Err(not_yet));
            assert_eq!(table.remove_now(second.handle()), Err(not_yet));
            quiet();
            table.destroy(second.handle().to_ptr());
            assert!(table.try_reserve().is_err(), "a refused delete made room");

            drop(first);
            let third = table.try_insert(n).unwrap();
            assert!(table.try_reserve().is_err());
            let second = second.fill(n);
            assert!(table.try_reserve().is_err(), "a filled handle counts as before");
            table.remove(second).unwrap();
            drop(table.try_reserve().unwrap());
            table.remove(third).unwrap();
            assert_eq!(table.len(), 0);
        }
    }
}

#[test]
fn a_refused_delete_of_a_reserved_handle_changes_nothing() {
    static CENSUS: Census = Census::new();
    for table in table_kinds() {
        let neighbours = [0, 1].map(|n| table.insert(CENSUS.witness(n)));
        let reserved = table.reserve();
        let not_yet = HandleError::NotYet { raw: reserved.handle().to_raw() };
        for _ in 0..10 {
            assert_eq!(table.remove(reserved.handle()), Err(not_yet));
            assert_eq!(table.remove_now(reserved.handle()), Err(not_yet));
            assert_eq!(table.remove_ref(reserved.handle()).map(drop), Err(not_yet));
            quiet();
            table.destroy(reserved.handle().to_ptr());
            assert_eq!(table.retain(|_, _| true), 0);
        }
        assert_eq!((table.len(), table.stats().pending), (2, 0));
        assert_eq!(table.clear(), 2);
        assert!(neighbours.iter().all(|handle| !table.contains(*handle)));
        let handle = reserved.fill(CENSUS.witness(7));
        assert_eq!((table.get(handle).unwrap().look(), table.len()), (7, 1));
        table.remove(handle).unwrap();
        table.quiesce().unwrap();
        CENSUS.assert_all_dropped_once();
    }
}

#[test]
fn no_forged_neighbour_of_a_reserved_handle_is_valid() {
    // The first slot of a new table is all zeroes then: one flipped bit away from its handle.
    for table in table_kinds() {
        for n in 0..12 {
            let reserved = table.reserve();
            let raw = reserved.handle().to_raw();
            for one in 0..usize::BITS {
                for two in 0..=one {
                    let flipped = raw ^ (1 << one) ^ if two < one { 1 << two } else { 0 };
                    assert_names_nothing(&table, raw, flipped);
                }
            }
            for step in 1..=64 {
                assert_names_nothing(&table, raw, raw.wrapping_add(step));
                assert_names_nothing(&table, raw, raw.wrapping_sub(step));
            }
            let handle = reserved.fill(n);
            assert_eq!(table.cloned(handle), Ok(n));
            table.remove(handle).unwrap();
            assert!(table.is_empty());
        }
    }
}

/// Nothing is live but what `reserved` says, which has no value.
#[track_caller]
fn assert_names_nothing(table: &HandleTable<usize>, reserved: usize, raw: usize) {
    let forged = forge(raw);
    assert!(!table.contains(forged), "{raw:#x} of {reserved:#x}");
    for error in [table.remove(forged).unwrap_err(), table.get(forged).map(drop).unwrap_err()] {
        // No slot is reserved but the one, in the one generation.
        let is_other = matches!(error, HandleError::Unknown { .. } | HandleError::Deleted { .. });
        assert!(is_other, "{error}, which differs from {reserved:#x}");
    }
}

#[test]
fn the_length_counts_a_handle_from_its_fill_on() {
    for table in table_kinds() {
        let mut reserved: Vec<_> = (0..300).map(|_| table.reserve()).collect();
        assert_eq!((table.len(), table.is_empty(), table.stats().live), (0, true, 0));
        drop(reserved.split_off(200));
        assert_eq!((table.len(), table.stats().live), (0, 0));
        let rest = reserved.split_off(100);
        let handles: Vec<_> = reserved.into_iter().map(|one| one.fill(7)).collect();
        assert_eq!((table.len(), table.stats().live), (100, 100));
        assert_eq!(table.pin().iter().count(), 100);
        // Filled by another thread than has reserved them, deleted by a third one.
        let more = on_new_thread(|| rest.into_iter().map(|one| one.fill(8)).collect::<Vec<_>>());
        assert_eq!((table.len(), table.stats().live), (200, 200));
        on_new_thread(|| more.iter().for_each(|handle| table.remove(*handle).unwrap()));
        assert_eq!((table.len(), table.stats().live), (100, 100));
        assert_eq!(table.clear(), handles.len());
        assert_eq!((table.len(), table.stats().live), (0, 0));
    }
}

#[test]
fn a_forgotten_reserved_handle_costs_its_slot_and_nothing_else() {
    for table in table_kinds() {
        let reserved = table.reserve();
        let handle = reserved.handle();
        mem::forget(reserved);
        let other = table.insert(String::from("value"));
        table.remove(other).unwrap();
        table.quiesce().unwrap();
        let not_yet = HandleError::NotYet { raw: handle.to_raw() };
        assert_eq!(table.get(handle).map(drop), Err(not_yet));
        assert_eq!(table.len(), 0);
    }
}

#[test]
fn a_value_may_hold_reserved_handles_of_another_table() {
    static NODES: HandleTable<&str> = HandleTable::new();
    let holders = HandleTable::new();
    let reserved = NODES.reserve();
    let early = reserved.handle();
    let holder = holders.insert(reserved);
    assert!(matches!(NODES.get(early), Err(HandleError::NotYet { .. })));
    holders.remove(holder).unwrap();
    holders.quiesce().unwrap();
    assert!(matches!(NODES.get(early), Err(HandleError::Deleted { .. })));
}
