//! What each verb returns, on one thread.

use std::{
    collections::HashSet,
    panic::{catch_unwind, resume_unwind, AssertUnwindSafe},
};

use handle_table::{Handle, HandleError, OnceTable};

use crate::{
    assert_empty,
    common::{scaled, Rng},
    kinds,
};

#[test]
fn a_value_is_taken_once() {
    for table in kinds() {
        let handle = table.insert(String::from("value"));
        assert!(table.contains(handle));
        assert_eq!((table.len(), table.is_empty(), table.stats().live), (1, false, 1));
        assert_eq!(table.take(handle).as_deref(), Ok("value"));
        assert!(!table.contains(handle));
        for _ in 0..2 {
            let deleted = matches!(table.take(handle), Err(HandleError::Deleted { raw, .. })
                if raw == handle.to_raw());
            assert!(deleted);
            assert!(matches!(table.remove(handle), Err(HandleError::Deleted { .. })));
        }
        assert_empty(&table);
    }
}

#[test]
fn a_removed_value_cannot_be_taken() {
    for table in kinds() {
        let handle = table.insert(String::from("value"));
        assert_eq!(table.remove(handle), Ok(()));
        assert!(matches!(table.take(handle), Err(HandleError::Deleted { .. })));
        assert!(matches!(table.remove(handle), Err(HandleError::Deleted { .. })));
        assert_empty(&table);
    }
}

#[test]
fn a_table_without_a_first_insert_knows_no_handle() {
    let table = OnceTable::<u8>::new();
    let handle = Handle::from_raw(42).unwrap();
    assert_eq!(table.take(handle), Err(HandleError::Unknown { raw: 42 }));
    assert_eq!(table.remove(handle), Err(HandleError::Unknown { raw: 42 }));
    assert!(!table.contains(handle));
    assert_eq!(table.drain().count(), 0);
    assert_eq!((table.len(), table.stats().shards), (0, 0));
}

#[test]
fn a_handle_of_another_table_is_unknown() {
    let (table, other) = (OnceTable::new(), OnceTable::new());
    let handles = [(); 50].map(|()| table.insert(7));
    let _live = [(); 50].map(|()| other.insert(8));
    for handle in handles {
        assert!(matches!(other.take(handle), Err(HandleError::Unknown { .. })));
        assert_eq!(table.take(handle), Ok(7));
    }
    assert_eq!(other.len(), 50);
}

#[test]
fn the_closure_of_insert_with_sees_a_handle_that_is_not_yet_valid() {
    for table in kinds() {
        let (table, mut seen) = (&table, None);
        let handle = table.insert_with(|me| {
            seen = Some(me);
            assert!(!table.contains(me));
            for error in [table.take(me).map(drop), table.remove(me)] {
                assert_eq!(error, Err(HandleError::NotYet { raw: me.to_raw() }));
            }
            // The table may be used meanwhile.
            let other = table.insert(1);
            assert_eq!(table.take(other), Ok(1));
            assert_eq!(table.drain().count(), 0);
            7
        });
        assert_eq!(Some(handle), seen);
        assert_eq!(table.take(handle), Ok(7));
        assert_empty(table);
    }
}

#[test]
fn a_closure_of_insert_with_that_panics_inserts_nothing() {
    for table in kinds() {
        let mut seen = None;
        let insert = || {
            table.insert_with(|me| {
                seen = Some(me);
                resume_unwind(Box::new(()))
            })
        };
        assert!(catch_unwind(AssertUnwindSafe(insert)).is_err());
        let seen = seen.unwrap();
        assert!(matches!(table.take(seen), Err(HandleError::Deleted { .. })));
        let handle = table.insert(7);
        assert_ne!(handle, seen);
        assert_eq!(table.take(handle), Ok(7));
        assert_empty(&table);
    }
}

#[test]
fn any_integer_is_safe_to_take() {
    for table in kinds() {
        let mut rng = Rng(7);
        let live: HashSet<_> = (0..500).map(|number| table.insert(number)).collect();
        let stale: Vec<_> = (0..500).map(|number| table.insert(number)).collect();
        stale.iter().for_each(|handle| _ = table.take(*handle).unwrap());
        let check = |raw: usize| {
            let Ok(handle) = Handle::from_raw(raw) else { return };
            if !live.contains(&handle) {
                assert!(!table.contains(handle));
                let error = table.take(handle).unwrap_err();
                assert_eq!((Err(error), error.raw()), (table.remove(handle), Some(raw)));
                let is_stale = stale.contains(&handle);
                assert!(!is_stale || matches!(error, HandleError::Deleted { .. }));
            }
        };
        for raw in [1, 2, 3, 42, usize::MAX, usize::MAX - 1, 1 << (usize::BITS - 1)] {
            check(raw);
        }
        for _ in 0..scaled(20_000) {
            check(rng.word());
        }
        for handle in live.iter().chain(&stale) {
            check(handle.to_raw());
            for bit in 0..usize::BITS {
                check(handle.to_raw() ^ 1 << bit);
            }
            check(handle.to_raw() ^ rng.word() << 1);
        }
        assert_eq!(table.len(), 500, "a forged handle took a value");
        assert_eq!(table.drain().count(), 500);
    }
}

#[test]
fn a_handle_is_never_issued_again() {
    for table in kinds() {
        let mut seen = HashSet::new();
        let mut kept = Vec::new();
        for turn in 0..scaled(20_000) {
            let handle = table.insert(turn);
            assert!(seen.insert(handle), "issued twice");
            kept.push((handle, turn));
            if turn % 3 != 0 {
                let (handle, number) = kept.swap_remove(turn * 7 % kept.len());
                assert_eq!(table.take(handle), Ok(number));
            }
        }
        for (handle, number) in kept {
            assert_eq!(table.take(handle), Ok(number));
        }
        assert!(seen.iter().all(|handle| table.take(*handle).is_err()));
        assert_empty(&table);
    }
}

// With shrunken widths, slots are exhausted all the time.
#[cfg(not(handle_table_small))]
#[test]
fn a_slot_is_used_again_at_once() {
    for table in kinds() {
        for number in 0..scaled(10_000) {
            let handle = table.insert(number);
            assert_eq!(table.take(handle), Ok(number));
        }
        let stats = table.stats();
        // A block of slots is reserved at a time.
        assert!(stats.vacant <= 64, "{stats}");
    }
}
