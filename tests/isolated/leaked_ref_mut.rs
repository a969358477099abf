//! A `RefMut` leaked by `mem::forget` leaves its value busy for good. Alone in its process, in
//! which nothing can be dropped after that.
#![cfg(not(loom))]

#[path = "../common/census.rs"]
#[allow(dead_code)] // It needs some of it.
mod census;

use std::{mem, thread};

use handle_table::{Exclusive, HandleError, HandleTable};

use census::Census;

#[test]
fn a_leaked_ref_mut_leaves_its_value_busy_and_its_handle_deletable() {
    static CENSUS: Census = Census::new();
    let table = HandleTable::new();
    let [leaked, other] = [1, 2].map(|number| table.insert(Exclusive::new(CENSUS.witness(number))));
    mem::forget(table.get_mut(leaked).unwrap());

    let busy = HandleError::Busy { raw: leaked.to_raw() };
    assert_eq!(table.get_mut(leaked).unwrap_err(), busy);
    thread::scope(|scope| {
        scope.spawn(|| assert_eq!(table.get_mut(leaked).unwrap_err(), busy));
    });
    assert_eq!(table.get_mut(other).unwrap().look(), 2, "others are free");

    assert_eq!(table.remove_now(leaked), Ok(false), "deleted, and in use for ever");
    let deleted = table.get_mut(leaked).unwrap_err();
    assert!(matches!(deleted, HandleError::Deleted { .. }), "{deleted:?}");
    table.flush();
    assert_eq!((table.stats().pending, CENSUS.left()), (1, 2));

    // What is deleted from then on is not dropped either.
    assert_eq!(table.remove_now(other), Ok(false));
    assert_eq!((table.stats().pending, CENSUS.left()), (2, 2));

    // A table takes its values along.
    drop(table);
    CENSUS.assert_all_dropped_once();
}
