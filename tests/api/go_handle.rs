//! Go's own tests of `runtime/cgo.Handle` (handle_test.go), for `Handle` and for `HandleTable`.

use std::{
    any::Any,
    panic::{catch_unwind, UnwindSafe},
    sync::Arc,
};

use handle_table::{Global, Handle, HandleError, HandleTable};

use crate::{
    common::{eventually, Census, Witness},
    forge,
    serial::serial,
};

/// Go's words for the failure, which its programmers search for.
const MISUSE: &str = "misuse of an invalid Handle";

/// What `f` panics with.
#[track_caller]
fn panic_of<R>(f: impl FnOnce() -> R + UnwindSafe) -> String {
    let Err(payload) = catch_unwind(f) else {
        panic!("an invalid handle did not trigger a panic");
    };
    message(&*payload)
}

fn message(payload: &(dyn Any + Send)) -> String {
    payload.downcast_ref::<String>().expect("panics of this crate have formatted messages").clone()
}

/// As in Go's `TestHandle`: two equal values get two handles, and deleting one spares the other.
fn assert_equal_values_get_different_handles<T>(v1: T, v2: T)
where
    T: PartialEq + std::fmt::Debug + Clone + Send + Sync + 'static,
{
    let (h1, h2) = (Handle::new(v1.clone()), Handle::new(v2.clone()));
    assert_ne!(h1.to_raw(), 0);
    assert_ne!(h2.to_raw(), 0);
    assert_ne!(h1, h2);
    assert_eq!(*h1.value::<T>(), v1);
    assert_eq!(*h2.value::<T>(), v2);
    h1.delete();
    assert_eq!(*h2.value::<T>(), v2, "the other one is still there");
    h2.delete();

    let table = HandleTable::new();
    let (h1, h2) = (table.insert(v1.clone()), table.insert(v2.clone()));
    assert_ne!(h1, h2);
    assert_eq!(*table.get(h1).unwrap(), v1);
    assert_eq!(*table.get(h2).unwrap(), v2);
    table.remove(h1).unwrap();
    table.remove(h2).unwrap();
    assert!(table.is_empty());
}

#[test]
fn equal_values_get_different_handles() {
    let _serial = serial();
    let shared = Arc::new(42);
    assert_equal_values_get_different_handles(42, 42);
    assert_equal_values_get_different_handles(Arc::clone(&shared), shared);
    assert_equal_values_get_different_handles((), ());
    assert_equal_values_get_different_handles(None::<String>, None);
}

#[test]
fn zero_is_never_a_handle() {
    let _serial = serial();
    assert_eq!(Handle::<u8>::from_raw(0), Err(HandleError::Null));
    assert_eq!(Handle::<u8>::from_ptr(std::ptr::null_mut()), Err(HandleError::Null));
    let handle = Handle::new(());
    assert_ne!(handle.to_raw(), 0);
    assert!(!handle.to_ptr().is_null());
    handle.delete();
}

#[test]
fn the_integers_next_to_a_handle_are_invalid() {
    let _serial = serial();
    let handle = Handle::new(42);
    let table = HandleTable::new();
    let in_table = table.insert(42);
    for step in [1, usize::MAX] {
        let neighbour: Handle = forge(handle.to_raw().wrapping_add(step));
        assert!(panic_of(|| neighbour.value::<i32>()).contains(MISUSE));
        assert!(panic_of(|| neighbour.delete()).contains(MISUSE));

        let neighbour = forge(in_table.to_raw().wrapping_add(step));
        assert!(table.get(neighbour).is_err());
        assert!(table.remove(neighbour).is_err());
    }
    assert_eq!(*handle.value::<i32>(), 42, "the valid one is not disturbed");
    assert_eq!(*table.get(in_table).unwrap(), 42);
    handle.delete();
    table.remove(in_table).unwrap();
}

#[test]
fn a_deleted_handle_is_reported_as_deleted() {
    let _serial = serial();
    let handle = Handle::new(String::from("text"));
    handle.delete();
    for message in [panic_of(|| handle.value::<String>()), panic_of(|| handle.delete())] {
        assert!(message.starts_with(MISUSE), "{message}");
        assert!(message.contains("already deleted"), "{message}");
        let raw = format!("{:#x}", handle.to_raw());
        assert!(message.contains(&raw), "{message} says which: {raw}");
    }

    let table = HandleTable::new();
    let handle = table.insert(42);
    table.remove(handle).unwrap();
    let is_deleted =
        |error| matches!(error, HandleError::Deleted { raw, .. } if raw == handle.to_raw());
    assert!(is_deleted(table.get(handle).unwrap_err()));
    assert!(is_deleted(table.cloned(handle).unwrap_err()));
    assert!(is_deleted(table.pin().get(handle).copied().unwrap_err()));
    assert!(is_deleted(table.remove(handle).unwrap_err()));
    assert!(is_deleted(table.remove_ref(handle).unwrap_err()));
    assert!(is_deleted(table.remove_now(handle).unwrap_err()));
    assert!(!table.contains(handle));
}

#[test]
fn a_handle_that_was_never_issued_is_reported_as_unknown() {
    let _serial = serial();
    let message = panic_of(|| forge::<Global>(42).value::<i32>());
    assert!(message.starts_with(MISUSE), "{message}");
    assert!(message.contains("never issued"), "{message}");
}

#[test]
fn a_value_is_not_handed_out_as_another_type() {
    let _serial = serial();
    let handle = Handle::new(42_u32);
    let message = panic_of(|| handle.value::<i32>());
    assert!(message.starts_with(MISUSE), "{message}");
    assert!(message.contains("`i32`") && message.contains("`u32`"), "{message}");
    assert_eq!(*handle.value::<u32>(), 42);
    handle.delete();
}

#[test]
fn nothing_is_left_when_all_handles_are_deleted() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    let handles: Vec<_> = (0..1000).map(|n| Handle::new(CENSUS.witness(n))).collect();
    assert_eq!(CENSUS.left(), 1000);
    for handle in &handles {
        handle.delete();
    }
    for handle in handles {
        assert!(handle.try_value::<Witness>().is_err());
    }
    assert_eq!(Handle::stats().live, 0);
    // The promise is: within the next five batches of deletes, if no other test reads.
    eventually("all values are dropped", || {
        for _ in 0..5 * 256 {
            Handle::new(()).delete();
        }
        CENSUS.left() == 0
    });
    CENSUS.assert_all_dropped_once();
    Handle::quiesce().unwrap();
    let stats = Handle::stats();
    assert_eq!((stats.live, stats.pending), (0, 0), "{stats}");
}
