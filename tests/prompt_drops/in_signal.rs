//! `get_in_signal` keeps its value like any reader, but drops nothing as it ends: that is for the
//! next call. (In real handlers: `isolated/signals.rs`.)

use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};

use handle_table::{Handle, HandleTable};

use crate::{
    assert_empty,
    common::{on_new_thread, table_kinds, Census, Witness},
    serial::serial,
};

#[test]
fn a_look_up_for_handlers_keeps_its_value_and_leaves_it_to_the_next_call() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    static OTHER: HandleTable<Witness> = HandleTable::new();
    let kept = OTHER.insert(CENSUS.witness(0));
    type Call = fn(&HandleTable<Witness>, Handle<Witness>);
    let calls: [Call; 8] = [
        |table, _| drop(table.pin()),
        |table, _| table.remove(table.insert(CENSUS.witness(0))).unwrap(),
        |table, _| assert!(table.remove_now(table.insert(CENSUS.witness(0))).is_ok()),
        |table, _| assert_eq!(table.flush(), 1),
        |table, _| table.quiesce().unwrap(),
        // Calls for another table serve as well.
        |_, kept| assert_eq!(OTHER.get(kept).unwrap().look(), 0),
        |_, kept| on_new_thread(|| drop(OTHER.get(kept))),
        |_, _| OTHER.remove(OTHER.insert(CENSUS.witness(0))).unwrap(),
    ];
    for table in table_kinds() {
        for (nth, call) in calls.iter().enumerate() {
            let handle = table.insert(CENSUS.witness(7));
            let seen = table.get_in_signal(handle, |value| {
                on_new_thread(|| table.remove(handle).unwrap());
                let again = table.get_in_signal(handle, Witness::look);
                (value.look(), CENSUS.left(), again.is_err(), table.contains(handle))
            });
            assert_eq!(seen, Ok((7, 2, true, false)));
            assert_eq!((CENSUS.left(), table.stats().pending), (2, 1), "a handler drops nothing");
            call(&table, kept);
            assert_eq!(CENSUS.left(), 1, "call {nth} did not come to it");
            assert_empty(&table);
        }
    }
    let handle = Handle::new(CENSUS.witness(7));
    let seen = handle.value_in_signal(|value: &Witness| {
        on_new_thread(|| assert_eq!(handle.try_delete_now(), Ok(false)));
        value.look()
    });
    assert_eq!((seen, CENSUS.left()), (Ok(7), 2));
    OTHER.remove(kept).unwrap();
    CENSUS.assert_all_dropped_once();
}

#[test]
fn a_panic_ends_a_look_up_for_handlers() {
    let _serial = serial();
    for table in table_kinds() {
        let handle = table.insert(String::from("value"));
        let look = || table.get_in_signal(handle, |_| resume_unwind(Box::new(7)));
        assert!(catch_unwind(AssertUnwindSafe(look)).is_err());
        assert_eq!(table.remove_now(handle), Ok(true), "it is still in the way");
    }
}
