//! A panic over a misused handle points at the caller's line. Alone in its process, since the panic
//! hook is the process's.
#![cfg(not(loom))]

use std::{
    cell::RefCell,
    panic::{catch_unwind, set_hook, take_hook, AssertUnwindSafe, Location},
    sync::Mutex,
};

use handle_table::{Handle, HandleTable};

thread_local! {
    static LAST: RefCell<Option<(String, u32)>> = const { RefCell::new(None) };
}

/// Where the panic of `f` says that it comes from.
fn location_of(f: impl FnOnce()) -> (String, u32) {
    static HOOK: Mutex<()> = Mutex::new(());
    let _one_at_a_time = HOOK.lock();
    let before = take_hook();
    set_hook(Box::new(|info| {
        let place = info.location().map(|at| (at.file().to_owned(), at.line()));
        LAST.set(place);
    }));
    let result = catch_unwind(AssertUnwindSafe(f));
    set_hook(before);
    assert!(result.is_err(), "no panic");
    LAST.take().expect("the hook was called")
}

/// The place of this call.
#[track_caller]
fn here() -> (String, u32) {
    let at = Location::caller();
    (at.file().to_owned(), at.line())
}

/// Where the panic of a call says that it comes from, and where it does.
macro_rules! places {
    ($call:expr) => {
        (
            location_of(|| {
                let _ = $call;
            }),
            here(),
        )
    };
}

#[test]
fn a_misused_handle_is_reported_in_the_crate_and_not_at_the_caller() {
    let handle = Handle::new(42);
    let (panicked, line) = places!(handle.value::<String>());
    assert_eq!(panicked, line, "value, wrong type");
    handle.delete();

    let (panicked, line) = places!(handle.value::<i32>());
    assert_eq!(panicked, line, "value, deleted");
    let (panicked, line) = places!(handle.delete());
    assert_eq!(panicked, line, "delete, deleted");
}

#[test]
fn a_full_table_is_reported_in_the_crate_and_not_at_the_caller() {
    let table = HandleTable::builder().max_handles(0).build();
    let (panicked, line) = places!(table.insert(1));
    assert_eq!(panicked, line, "insert");
    let (panicked, line) = places!(table.insert_with(|_| 1));
    assert_eq!(panicked, line, "insert_with");
}
