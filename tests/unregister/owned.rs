//! `Owned`: handles that delete themselves, until C has them.

use std::panic::{catch_unwind, AssertUnwindSafe};

use handle_table::{HandleError, HandleTable};

use crate::{
    common::{on_new_thread, table_kinds, Census},
    serial::serial,
};

#[test]
fn it_deletes_at_its_end() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for table in table_kinds() {
        let owned = table.insert_owned(CENSUS.witness(7));
        assert_eq!(owned.get().unwrap().look(), 7);
        assert_eq!(owned.as_ptr(), owned.handle().to_ptr());
        let handle = owned.handle();
        drop(owned);
        assert!(!table.contains(handle));
        assert_eq!((CENSUS.left(), table.stats().bad_handles), (0, 0));
    }
    CENSUS.assert_all_dropped_once();
}

#[test]
fn an_early_return_and_a_panic_delete() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    let table = HandleTable::new();
    let register = |fails: bool| {
        let owned = table.insert_owned(CENSUS.witness(1));
        if fails {
            return Err(-1);
        }
        Ok(owned.into_handle())
    };
    assert_eq!(register(true), Err(-1));
    assert!(table.is_empty());
    let handle = register(false).unwrap();
    assert_eq!(table.len(), 1);
    table.remove(handle).unwrap();

    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _owned = table.insert_owned(CENSUS.witness(2));
        panic!("between making and registering");
    }));
    assert!(panicked.is_err() && table.is_empty());
    CENSUS.assert_all_dropped_once();
}

#[test]
fn what_is_handed_over_stays() {
    let _serial = serial();
    let table = HandleTable::new();
    let user_data = table.insert_owned(7).into_ptr();
    assert_eq!(table.call(user_data, |number| *number), Ok(7));
    let handle = table.insert_owned(8).into_handle();
    assert_eq!((table.cloned(handle), table.len()), (Ok(8), 2));
}

#[test]
fn if_c_has_deleted_it_already_that_is_reported() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    let table = HandleTable::new();
    let owned = table.insert_owned(CENSUS.witness(1));
    table.destroy(owned.as_ptr());
    assert!(matches!(owned.get(), Err(HandleError::Deleted { .. })));
    assert_eq!(table.stats().bad_handles, 0);
    drop(owned);
    assert_eq!(table.stats().bad_handles, 1);
    CENSUS.assert_all_dropped_once();
}

#[test]
fn it_may_end_on_another_thread() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    static TABLE: HandleTable<crate::common::Witness> = HandleTable::new();
    let owned = TABLE.insert_owned(CENSUS.witness(1));
    on_new_thread(move || drop(owned));
    CENSUS.assert_all_dropped_once();
}
