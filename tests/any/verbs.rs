//! Every verb, on values in place and in boxes, in every kind of table.

use std::{any::Any, time::Duration};

use handle_table::{AnyTable, Handle, HandleError, InsertError};

use crate::{
    common::{Census, Witness},
    kinds,
    serial::serial,
    Aligned, Large, Value,
};

/// Runs a test for each kind of value in each kind of table, and counts the values.
macro_rules! on_all_kinds {
    ($test:ident) => {{
        let _serial = serial();
        static CENSUS: Census = Census::new();
        for table in kinds() {
            let make = |number| CENSUS.witness(number);
            $test::<Witness>(&table, &make);
            $test::<Large>(&table, &make);
            $test::<Aligned>(&table, &make);
            assert_eq!((table.clear(), table.is_empty()), (0, true));
            table.quiesce().unwrap();
            assert_eq!(table.stats().pending, 0);
            CENSUS.assert_all_dropped_once();
        }
        assert_ne!(CENSUS.made(), 0);
    }};
}

fn is_deleted(error: &HandleError, handle: Handle<dyn Any>) -> bool {
    matches!(error, HandleError::Deleted { raw, .. } if *raw == handle.to_raw())
}

/// The handle names a `V` with this number; deletes it.
#[track_caller]
fn assert_is<V: Value>(table: &AnyTable, handle: Handle<dyn Any>, number: usize) {
    assert!(table.contains(handle));
    assert_eq!(table.get::<V>(handle).unwrap().number(), number);
    assert_eq!(table.get_in_signal(handle, V::number), Ok(number));
    assert_eq!(table.pin().get::<V>(handle).unwrap().number(), number);
    assert_eq!(table.call(handle.to_ptr(), V::number), Ok(number));
    assert_eq!(table.call_catching(handle.to_ptr(), V::number).unwrap().unwrap(), number);
    table.remove_as::<V>(handle).unwrap();
    assert!(!table.contains(handle));
}

#[test]
fn every_insert_gives_a_handle_of_the_value() {
    fn test<V: Value>(table: &AnyTable, make: &dyn Fn(usize) -> Witness) {
        assert_is::<V>(table, table.insert(V::new(make(1))), 1);
        assert_is::<V>(table, table.try_insert(V::new(make(2))).unwrap(), 2);

        let mut seen = None;
        let handle = table.insert_with(|me| {
            seen = Some(me);
            assert!(matches!(table.get::<V>(me).err(), Some(HandleError::NotYet { .. })));
            V::new(make(3))
        });
        assert_eq!(seen, Some(handle));
        assert_is::<V>(table, handle, 3);

        let Ok(handle) = table.try_insert_with(|_| V::new(make(4))) else {
            panic!("the table is not full");
        };
        assert_is::<V>(table, handle, 4);
        let made = table.try_insert_with_result(|_| Ok::<_, ()>(V::new(make(5))));
        assert_is::<V>(table, made.ok().unwrap(), 5);
        assert_is::<V>(table, table.reserve().fill(V::new(make(6))), 6);
        assert_is::<V>(table, table.try_reserve().unwrap().fill(V::new(make(7))), 7);
    }
    on_all_kinds!(test);
}

#[test]
fn a_handle_without_a_value_is_never_issued() {
    fn test<V: Value>(table: &AnyTable, make: &dyn Fn(usize) -> Witness) {
        let reserved = table.reserve();
        let early = reserved.handle();
        assert!(matches!(table.get::<V>(early).err(), Some(HandleError::NotYet { .. })));
        assert!(matches!(table.remove_as::<V>(early), Err(HandleError::NotYet { .. })));
        assert!(!table.contains(early));
        drop(reserved);
        assert!(is_deleted(&table.get::<V>(early).err().unwrap(), early));

        let mut seen = None;
        let failed = table.try_insert_with_result(|me| {
            seen = Some(me);
            drop(V::new(make(1)));
            Err::<V, _>("failed")
        });
        assert!(matches!(failed, Err(InsertError::Failed("failed"))));
        let seen = seen.unwrap();
        assert!(is_deleted(&table.get::<V>(seen).err().unwrap(), seen));
        assert_eq!(table.len(), 0);
    }
    on_all_kinds!(test);
}

#[test]
fn every_delete_drops_the_value() {
    fn test<V: Value>(table: &AnyTable, make: &dyn Fn(usize) -> Witness) {
        type Delete = fn(&AnyTable, Handle<dyn Any>) -> Result<(), HandleError>;
        let deletes: [Delete; 5] = [
            |table, handle| table.remove(handle),
            |table, handle| table.remove_as::<V>(handle),
            |table, handle| {
                table.remove_ref::<V>(handle).map(|value| assert_eq!(value.number(), 7))
            },
            |table, handle| table.remove_now(handle).map(|is_dropped| assert!(is_dropped)),
            |table, handle| {
                assert_eq!(table.retain(|other, _| other != handle), 1);
                Ok(())
            },
        ];
        for delete in deletes {
            let others = [table.insert(1), table.insert("one")];
            let handle = table.insert(V::new(make(7)));
            assert_eq!(delete(table, handle), Ok(()));
            assert_eq!((table.contains(handle), table.len(), table.stats().live), (false, 2, 2));

            let errors = [
                table.get::<V>(handle).err(),
                table.get::<u8>(handle).err(),
                table.get_in_signal(handle, V::number).err(),
                table.pin().get::<V>(handle).err(),
                table.remove(handle).err(),
                table.remove_as::<V>(handle).err(),
                table.remove_as::<u8>(handle).err(),
                table.remove_ref::<V>(handle).err(),
                table.remove_now(handle).err(),
            ];
            for error in errors {
                assert!(error.is_some_and(|error| is_deleted(&error, handle)), "{error:?}");
            }
            assert!(others.iter().all(|other| table.contains(*other)));
            assert_eq!(table.clear(), 2);
        }
    }
    on_all_kinds!(test);
}

#[test]
fn quiesce_and_flush_drop_what_waits() {
    fn test<V: Value>(table: &AnyTable, make: &dyn Fn(usize) -> Witness) {
        for quiesce in [
            |table: &AnyTable| table.quiesce().unwrap(),
            |table: &AnyTable| table.quiesce_timeout(Duration::from_secs(600)).unwrap(),
            |table: &AnyTable| _ = table.flush(),
        ] {
            let (one, two) = (table.insert(V::new(make(1))), table.insert(V::new(make(2))));
            let value = table.get::<V>(one).unwrap();
            table.remove(one).unwrap();
            assert_eq!((value.number(), table.stats().pending), (1, 1));
            table.remove(two).unwrap();
            drop(value);
            quiesce(table);
            assert_eq!(table.stats().pending, 0);
        }
    }
    on_all_kinds!(test);
}

#[test]
fn clones_are_taken_out_of_the_slot_and_out_of_the_box() {
    let _serial = serial();
    for table in kinds() {
        let (small, large) = (table.insert(String::from("text")), table.insert([7_usize; 9]));
        assert_eq!(table.cloned::<String>(small).as_deref(), Ok("text"));
        assert_eq!(table.cloned::<[usize; 9]>(large), Ok([7; 9]));
        assert_eq!(table.call_cloned(small.to_ptr(), String::len), Ok(4));
        assert_eq!(table.call_cloned(large.to_ptr(), |words: &[usize; 9]| words.len()), Ok(9));
        // Nothing is pinned: a value is dropped with its delete, also in a batch.
        assert_eq!(table.remove_now(small), Ok(true));
        assert!(matches!(table.cloned::<String>(small), Err(HandleError::Deleted { .. })));
    }
}
