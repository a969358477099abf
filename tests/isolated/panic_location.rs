//! The panics of misused handles and full tables name the caller's line. Alone in its process, as a
//! process has one panic hook.
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

/// The location that the panic of `f` reports.
fn location_of(f: impl FnOnce()) -> (String, u32) {
    static HOOK: Mutex<()> = Mutex::new(());
    let _one_at_a_time = HOOK.lock();
    let before = take_hook();
    set_hook(Box::new(|info| {
        LAST.set(info.location().map(|at| (at.file().to_owned(), at.line())));
    }));
    let result = catch_unwind(AssertUnwindSafe(f));
    set_hook(before);
    assert!(result.is_err(), "no panic");
    LAST.take().expect("the hook was called")
}

/// The location of this call.
#[track_caller]
fn here() -> (String, u32) {
    let at = Location::caller();
    (at.file().to_owned(), at.line())
}

/// The location that the panic of a call reports, and the location of the call.
macro_rules! locations {
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
fn a_misused_handle_is_reported_at_the_callers_line() {
    let handle = Handle::new(42);
    let (reported, line) = locations!(handle.value::<String>());
    assert_eq!(reported, line, "value, wrong type");
    handle.delete();

    let (reported, line) = locations!(handle.value::<i32>());
    assert_eq!(reported, line, "value, deleted");
    let (reported, line) = locations!(handle.delete());
    assert_eq!(reported, line, "delete, deleted");
}

#[test]
fn a_full_table_is_reported_at_the_callers_line() {
    let table = HandleTable::builder().max_handles(0).build();
    let (reported, line) = locations!(table.insert(1));
    assert_eq!(reported, line, "insert");
    let (reported, line) = locations!(table.reserve());
    assert_eq!(reported, line, "reserve");
    let (reported, line) = locations!(table.insert_with(|_| 1));
    assert_eq!(reported, line, "insert_with");
}
