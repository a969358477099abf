//! `Handle`'s verbs: those of `AnyTable::global`.

use std::{any::type_name, ffi::c_void, mem::size_of, panic::panic_any, sync::Arc};

use handle_table::{AnyTable, CallError, Handle, HandleError, Operation};

use crate::{
    common::{run_concurrently, Census, Witness},
    reports_of,
    serial::serial,
    types_in, word, wrong, Aligned, Large, Value,
};

#[test]
fn the_process_wide_table_is_an_any_table() {
    let _serial = serial();
    let handle = Handle::new(String::from("text"));
    let table = AnyTable::global();
    let as_any = Handle::from_raw(handle.to_raw()).unwrap();
    assert_eq!(table.cloned::<String>(as_any).as_deref(), Ok("text"));
    assert_eq!(table.stats(), Handle::stats());
    table.remove(as_any).unwrap();
    assert!(matches!(handle.try_value::<String>().err(), Some(HandleError::Deleted { .. })));

    let as_any = table.insert(7_u32);
    let handle: Handle = Handle::from_raw(as_any.to_raw()).unwrap();
    assert_eq!(*handle.value::<u32>(), 7);
    handle.delete();
    assert!(!table.contains(as_any));
    assert_eq!(size_of::<Handle>(), size_of::<usize>());
}

#[test]
fn a_callback_gets_the_value_of_its_user_data() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    let handles = [
        Handle::new(CENSUS.witness(1)),
        Handle::new(Large::new(CENSUS.witness(2))),
        Handle::new_with(|_| Aligned::new(CENSUS.witness(3))),
        Handle::try_new(Arc::new(CENSUS.witness(4))).ok().unwrap(),
    ];
    let words = handles.map(Handle::to_ptr);
    assert_eq!(Handle::call(words[0], Witness::look), Ok(1));
    assert_eq!(Handle::call::<Large, usize>(words[1], Large::number), Ok(2));
    assert_eq!(Handle::call_catching(words[2], Aligned::number).unwrap().unwrap(), 3);
    let nothing_is_pinned = |value: &Arc<Witness>| {
        assert_eq!(Handle::quiesce(), Ok(()));
        value.look()
    };
    assert_eq!(Handle::call_cloned(words[3], nothing_is_pinned), Ok(4));
    assert_eq!(handles[1].value_in_signal(Large::number), Ok(2));
    handles.into_iter().for_each(Handle::delete);
    CENSUS.assert_all_dropped_once();
}

#[test]
fn what_goes_wrong_in_a_callback_is_an_error_and_a_report() {
    let _serial = serial();
    let before = Handle::stats();
    let (number, gone) = (Handle::new(7_u32), Handle::new(8_u32));
    gone.delete();
    let never = |_: &String| unreachable!("there is no `String`");
    let (reports, ()) = reports_of(|| {
        let errors = [number.to_ptr(), gone.to_ptr(), word(0), word(42)]
            .map(|word| Handle::call::<String, ()>(word, never).unwrap_err());
        assert_eq!(types_in(errors[0]), wrong::<String, u32>());
        assert!(matches!(errors[1], CallError::Handle(HandleError::Deleted { .. })));
        assert_eq!(errors[2], CallError::Handle(HandleError::Null));
        assert!(matches!(errors[3], CallError::Handle(HandleError::Unknown { raw: 42 })));
        let panicked = Handle::call(number.to_ptr(), |n: &u32| panic!("in {n}"));
        assert_eq!(panicked, Err::<(), _>(CallError::Panicked));

        // These are not reported.
        let caught = Handle::call_catching(number.to_ptr(), |n: &u32| panic_any(*n));
        let payload = caught.unwrap().map(|()| "no panic").unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&7_u32));
        assert_eq!(Handle::call_catching(word(0), never).err(), Some(HandleError::Null));
    });
    let names: Vec<_> = reports.iter().map(|report| report.type_name).collect();
    assert_eq!(names[..4], [type_name::<String>(); 4]);
    assert_eq!(names[4..], ["u32"]);
    assert_eq!(reports[4].panic.as_deref(), Some("in 7"));
    let after = Handle::stats();
    assert_eq!(after.bad_handles - before.bad_handles, 4);
    assert_eq!(after.call_panics - before.call_panics, 1);
    number.delete();
}

/// C's: keeps `user_data` until it calls `destroy`.
fn register(user_data: *mut c_void, destroy: Option<unsafe extern "C" fn(*mut c_void)>) {
    let destroy = destroy.expect("it was given");
    // SAFETY: any word is safe to delete.
    unsafe { destroy(user_data) };
}

#[test]
fn destroy_is_a_destructor_for_c() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    let handles = [Handle::new(CENSUS.witness(1)), Handle::new(Large::new(CENSUS.witness(2)))];
    let bad = Handle::stats().bad_handles;
    let (reports, ()) = reports_of(|| {
        for handle in handles {
            register(handle.to_ptr(), Some(Handle::destroy));
        }
        register(word(0), Some(Handle::destroy));
    });
    assert_eq!((reports, CENSUS.left()), (vec![], 0));
    CENSUS.assert_all_dropped_once();

    let foreign = AnyTable::new();
    let other = foreign.insert(7);
    let (reports, ()) = reports_of(|| {
        register(handles[0].to_ptr(), Some(Handle::destroy));
        register(word(42), Some(Handle::destroy));
        register(other.to_ptr(), Some(Handle::destroy));
    });
    assert!(reports.iter().all(|report| report.operation == Operation::Destroy));
    let codes: Vec<_> = reports.iter().map(|report| report.error.code()).collect();
    assert_eq!(codes, [-3, -2, -2]);
    assert_eq!(Handle::stats().bad_handles - bad, 3);
    assert!(foreign.contains(other));
}

#[test]
fn a_delete_of_another_type_is_refused() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    let (small, large) =
        (Handle::new(CENSUS.witness(1)), Handle::new(Large::new(CENSUS.witness(2))));
    let error = small.try_delete_as::<Large>().unwrap_err();
    assert_eq!(types_in(error), wrong::<Large, Witness>());
    let error = large.try_delete_as::<Witness>().unwrap_err();
    assert_eq!(types_in(error), wrong::<Witness, Large>());
    assert_eq!((small.value::<Witness>().look(), large.value::<Large>().number()), (1, 2));
    assert_eq!(CENSUS.left(), 2);

    assert_eq!(
        (small.try_delete_as::<Witness>(), large.try_delete_as::<Large>()),
        (Ok(()), Ok(()))
    );
    CENSUS.assert_all_dropped_once();
    let again = small.try_delete_as::<Witness>();
    assert!(matches!(again, Err(HandleError::Deleted { .. })));
}

#[test]
fn many_threads_call_and_destroy() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    let live = Handle::stats().live;
    run_concurrently(4, |nth| {
        for turn in 0..200 {
            let number = 1_000 * nth + turn;
            let handle = Handle::new(Large::new(CENSUS.witness(number)));
            assert_eq!(Handle::call(handle.to_ptr(), Large::number), Ok(number));
            assert!(handle.try_delete_as::<Witness>().is_err());
            register(handle.to_ptr(), Some(Handle::destroy));
            assert!(handle.try_value::<Large>().is_err());
        }
    });
    Handle::quiesce().unwrap();
    CENSUS.assert_all_dropped_once();
    assert_eq!(Handle::stats().live, live);
}
