//! Deletes that wait, values that are taken out, and handles that delete themselves.

use std::time::Duration;

use handle_table::{AnyTable, HandleError, WaitError};

use crate::{
    common::{Census, Witness},
    kinds,
    serial::serial,
    types_in, wrong, Aligned, Large, Value,
};

#[test]
fn a_value_is_taken_as_its_own_type_alone() {
    fn test<V: Value>(table: &AnyTable, witness: Witness, census: &Census) {
        let number = witness.look();
        let handle = table.insert(V::new(witness));
        match table.take::<u8>(handle) {
            Err(WaitError::Handle(error)) => assert_eq!(types_in(error), wrong::<u8, V>()),
            other => panic!("{other:?}"),
        }
        assert_eq!(table.get::<V>(handle).unwrap().number(), number);
        // A thread that may wait only for itself gets an error, and the value stays.
        let value = table.get::<V>(handle).unwrap();
        assert_eq!(table.take::<V>(handle).err(), Some(WaitError::WouldDeadlock));
        assert_eq!(value.number(), number);
        drop(value);

        let taken: V = table.take(handle).ok().unwrap();
        assert_eq!((taken.number(), table.contains(handle), table.len()), (number, false, 0));
        assert_eq!(census.left(), 1);
        let again = table.take::<V>(handle).err();
        assert!(matches!(again, Some(WaitError::Handle(HandleError::Deleted { .. }))));
    }
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for table in kinds() {
        test::<Witness>(&table, CENSUS.witness(1), &CENSUS);
        test::<Large>(&table, CENSUS.witness(2), &CENSUS);
        test::<Aligned>(&table, CENSUS.witness(3), &CENSUS);
        CENSUS.assert_all_dropped_once();
    }
}

#[test]
fn a_delete_that_waits_has_dropped_the_value() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for table in kinds() {
        let (small, large) =
            (table.insert(CENSUS.witness(1)), table.insert(Large::new(CENSUS.witness(2))));
        assert_eq!((table.remove_wait(small), CENSUS.left()), (Ok(()), 1));
        let timeout = Duration::from_secs(600);
        assert_eq!((table.remove_wait_timeout(large, timeout), CENSUS.left()), (Ok(()), 0));
    }
    CENSUS.assert_all_dropped_once();
}

#[test]
fn an_owned_handle_deletes_itself() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    let table = AnyTable::new();
    let owned = table.insert_owned(Large::new(CENSUS.witness(1)));
    assert_eq!((owned.get().unwrap().number(), table.len()), (1, 1));
    drop(owned);
    assert_eq!((CENSUS.left(), table.len()), (0, 0));

    let handle = table.insert_owned(CENSUS.witness(2)).into_handle();
    assert_eq!(table.get::<Witness>(handle).unwrap().look(), 2);
    assert_eq!(table.remove_as::<Witness>(handle), Ok(()));
    CENSUS.assert_all_dropped_once();
}
