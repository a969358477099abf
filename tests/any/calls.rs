//! `call` and its variants, and destructors for C.

use std::{
    any::type_name,
    ffi::c_void,
    panic::panic_any,
    sync::{
        atomic::{AtomicUsize, Ordering::Relaxed},
        Arc,
    },
};

use handle_table::{destroy_callback, AnyTable, CallError, HandleError, Operation};

use crate::{
    common::{Census, Witness},
    reports_of,
    serial::serial,
    types_in, word, wrong, Large, Seen, Value,
};

#[test]
fn a_wrong_type_is_reported_once_under_the_name_that_was_asked_for() {
    let _serial = serial();
    let table = AnyTable::new();
    let (number, large) = (table.insert(7_u32), table.insert([7_usize; 9]));
    let (reports, errors) = reports_of(|| {
        let never = |_: &String| unreachable!("it is no `String`");
        [
            table.call::<String, ()>(number.to_ptr(), never).unwrap_err(),
            table.call_cloned::<String, ()>(large.to_ptr(), never).unwrap_err(),
        ]
    });
    assert_eq!(errors.map(types_in), [wrong::<String, u32>(), wrong::<String, [usize; 9]>()]);
    let report = |error| Seen {
        operation: Operation::Call,
        type_name: type_name::<String>(),
        error,
        panic: None,
    };
    assert_eq!(reports, errors.map(report));
    assert_eq!((table.stats().bad_handles, table.stats().call_panics, table.len()), (2, 0, 2));
    assert_eq!(errors[0].code(), -4);
}

#[test]
fn a_panic_in_a_closure_is_reported_once_and_spares_the_value() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    let table = AnyTable::new();
    let (small, large) =
        (table.insert(CENSUS.witness(1)), table.insert(Large::new(CENSUS.witness(2))));
    let shared = table.insert(Arc::new(CENSUS.witness(3)));
    let (reports, results) = reports_of(|| {
        [
            table.call(small.to_ptr(), |_: &Witness| panic!("a text")),
            table.call(large.to_ptr(), |large: &Large| panic!("number {}", large.number())),
            table.call_cloned(shared.to_ptr(), |_: &Arc<Witness>| panic_any(7)),
        ]
    });
    assert_eq!(results, [const { Err::<(), _>(CallError::Panicked) }; 3]);
    let report = |type_name, panic: Option<&str>| Seen {
        operation: Operation::Call,
        type_name,
        error: CallError::Panicked,
        panic: panic.map(String::from),
    };
    assert_eq!(
        reports,
        [
            report(type_name::<Witness>(), Some("a text")),
            report(type_name::<Large>(), Some("number 2")),
            report(type_name::<Arc<Witness>>(), None),
        ]
    );
    assert_eq!((table.stats().bad_handles, table.stats().call_panics), (0, 3));
    assert_eq!(table.call(small.to_ptr(), Witness::look), Ok(1));
    assert_eq!(table.call(large.to_ptr(), Large::number), Ok(2));
    assert_eq!((table.clear(), table.stats().pending), (3, 0)); // nothing stayed pinned
    CENSUS.assert_all_dropped_once();
}

#[test]
fn call_catching_gives_back_the_payload_and_reports_nothing() {
    let _serial = serial();
    let table = AnyTable::new();
    let handle = table.insert(7_u32);
    let (reports, ()) = reports_of(|| {
        let caught = table.call_catching(handle.to_ptr(), |n: &u32| panic_any(*n));
        let caught: Result<(), _> = caught.unwrap();
        assert_eq!(caught.unwrap_err().downcast_ref(), Some(&7_u32));
        let error = table.call_catching(handle.to_ptr(), |n: &i32| *n).err();
        assert_eq!(error.and_then(types_in), wrong::<i32, u32>());
        let error = table.call_catching(word(0), |n: &u32| *n).err();
        assert_eq!(error, Some(HandleError::Null));
    });
    assert_eq!(reports, []);
    assert_eq!((table.stats().bad_handles, table.stats().call_panics), (0, 0));
    assert_eq!(table.remove_now(handle), Ok(true));
}

#[test]
fn a_callback_may_delete_its_own_value() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    let table = AnyTable::new();
    let handle = table.insert(Large::new(CENSUS.witness(7)));
    let result = table.call(handle.to_ptr(), |large: &Large| {
        table.remove_as::<Large>(handle).unwrap();
        assert!(matches!(table.get::<Large>(handle).err(), Some(HandleError::Deleted { .. })));
        (large.number(), CENSUS.left())
    });
    assert_eq!((result, CENSUS.left()), (Ok((7, 1)), 0));
    CENSUS.assert_all_dropped_once();
}

#[test]
fn a_clone_in_use_holds_up_no_drop() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    let table = AnyTable::new();
    let handle = table.insert(Arc::new(CENSUS.witness(7)));
    let other = table.insert(CENSUS.witness(8));
    let result = table.call_cloned(handle.to_ptr(), |clone: &Arc<Witness>| {
        assert_eq!((table.remove_now(other), table.remove_now(handle)), (Ok(true), Ok(true)));
        assert_eq!(table.quiesce(), Ok(()));
        (clone.look(), Arc::strong_count(clone), CENSUS.left())
    });
    assert_eq!(result, Ok((7, 1, 1)));
    CENSUS.assert_all_dropped_once();
}

/// A value that counts its clones, and panics when it is told to.
struct Clones(&'static AtomicUsize, bool);

impl Clone for Clones {
    fn clone(&self) -> Self {
        self.0.fetch_add(1, Relaxed);
        assert!(!self.1, "in a clone");
        Self(self.0, false)
    }
}

#[test]
fn a_panic_in_a_clone_is_contained_too() {
    let _serial = serial();
    static CLONES: AtomicUsize = AtomicUsize::new(0);
    let table = AnyTable::new();
    let (good, bad) = (table.insert(Clones(&CLONES, false)), table.insert(Clones(&CLONES, true)));
    let (reports, results) =
        reports_of(|| [good, bad].map(|handle| table.call_cloned(handle.to_ptr(), |_: &Clones| 7)));
    assert_eq!(results, [Ok(7), Err(CallError::Panicked)]);
    assert_eq!((reports.len(), reports[0].panic.as_deref()), (1, Some("in a clone")));
    assert_eq!((CLONES.load(Relaxed), table.stats().call_panics), (2, 1));
    // Other callbacks clone nothing.
    assert!(table.call(good.to_ptr(), |_: &Clones| ()).is_ok());
    assert_eq!(CLONES.load(Relaxed), 2);
}

/// C's: keeps `user_data` until it calls `destroy`.
fn register(user_data: *mut c_void, destroy: Option<unsafe extern "C" fn(*mut c_void)>) {
    let destroy = destroy.expect("it was given");
    // SAFETY: any word is safe to delete.
    unsafe { destroy(user_data) };
}

#[test]
fn a_destroy_callback_deletes_values_of_all_types() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    static TABLE: AnyTable = AnyTable::new();
    let (small, large) =
        (TABLE.insert(CENSUS.witness(1)), TABLE.insert(Large::new(CENSUS.witness(2))));
    let (reports, ()) = reports_of(|| {
        register(small.to_ptr(), Some(destroy_callback!(TABLE)));
        register(large.to_ptr(), Some(destroy_callback!(TABLE)));
        register(word(0), Some(destroy_callback!(TABLE)));
    });
    assert_eq!((reports, TABLE.len()), (vec![], 0));
    CENSUS.assert_all_dropped_once();

    // A second delete is reported, as one of a table of any type.
    let (reports, ()) = reports_of(|| register(large.to_ptr(), Some(destroy_callback!(TABLE))));
    let error = CallError::Handle(TABLE.get::<Large>(large).err().unwrap());
    let type_name = type_name::<dyn std::any::Any>();
    let report = Seen { operation: Operation::Destroy, type_name, error, panic: None };
    assert_eq!(reports, [report]);
    assert_eq!(TABLE.stats().bad_handles, 1);
}
