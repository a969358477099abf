//! A table with a limit gives back what it has no room for.

use handle_table::{AnyTable, InsertError};

use crate::{
    common::{Census, Witness},
    panic_of,
    serial::serial,
    Aligned, Large, Value,
};

/// A table that one value fills.
fn full() -> AnyTable {
    let table = AnyTable::builder().max_handles(1).build();
    let _first = table.insert("first");
    table
}

#[test]
fn a_full_table_gives_back_the_value() {
    fn test<V: Value>(witness: Witness) {
        let table = full();
        let number = witness.look();
        let value = table.try_insert(V::new(witness)).unwrap_err().into_inner();
        assert_eq!(value.number(), number);
        assert_eq!(table.len(), 1);

        // Into the room that a delete makes.
        assert_eq!(table.clear(), 1);
        let handle = table.try_insert(value).ok().unwrap();
        assert_eq!(table.get::<V>(handle).unwrap().number(), number);
    }
    let _serial = serial();
    static CENSUS: Census = Census::new();
    test::<Witness>(CENSUS.witness(1));
    test::<Large>(CENSUS.witness(2));
    test::<Aligned>(CENSUS.witness(3));
    assert_eq!(CENSUS.made(), 3);
    CENSUS.assert_all_dropped_once();
}

#[test]
fn a_full_table_gives_back_the_closure_without_a_call() {
    let _serial = serial();
    let table = full();
    let text = String::from("text");
    let make = table.try_insert_with(|_| text).unwrap_err().into_inner();
    let made = table.try_insert_with_result(move |me| Ok::<_, ()>(make(me)));
    let make = match made.unwrap_err() {
        InsertError::Full(full) => full.into_inner(),
        InsertError::Failed(()) => panic!("it was called"),
    };
    assert_eq!(table.clear(), 1);
    let handle = table.try_insert_with_result(make).ok().unwrap();
    assert_eq!(table.cloned::<String>(handle).as_deref(), Ok("text"));
}

#[test]
fn a_reserved_handle_counts() {
    let _serial = serial();
    let table = AnyTable::builder().max_handles(1).build();
    let reserved = table.reserve();
    assert!(table.try_reserve().is_err());
    assert!(table.try_insert(7).is_err());
    drop(reserved);
    let reserved = table.try_reserve().unwrap();
    assert_eq!(table.cloned::<u8>(reserved.fill(7_u8)), Ok(7));
    assert!(table.try_reserve().is_err());
}

#[test]
fn inserts_that_return_no_result_panic_in_a_full_table() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    let table = full();
    let messages = [
        panic_of(|| table.insert(CENSUS.witness(1))),
        panic_of(|| table.insert(Large::new(CENSUS.witness(1)))),
        panic_of(|| table.insert_with(|_| CENSUS.witness(1))),
        panic_of(|| table.reserve()),
    ];
    for message in messages {
        assert!(message.contains("ran out of handle space"), "{message}");
    }
    assert_eq!((table.len(), CENSUS.made()), (1, 2));
    CENSUS.assert_all_dropped_once();
}
