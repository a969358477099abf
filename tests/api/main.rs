//! What each verb promises to one caller: results, errors, types, limits, and which handles are
//! valid. When values are dropped is the matter of the tests in `drops` and `reclamation`.
#![cfg(not(loom))]

#[path = "../common/mod.rs"]
mod common;
/// All tests that use the process-wide table take this lock: one of them counts the handles, and
/// others forge handles, which might be valid ones of another test.
#[path = "../common/serial.rs"]
mod serial;
#[path = "../common/slots.rs"]
mod slots;

mod call;
mod damaged;
mod destroy;
mod forged;
mod go_handle;
mod insert_with;
mod iterate;
mod limit;
mod model;
mod reserve;
mod reserve_threads;
mod traits;

use handle_table::{set_report_hook, Handle};

/// Leaves reports unwritten: by default each is a line on stderr. (They are tested in
/// `isolated/report_hook.rs`.)
fn quiet() {
    set_report_hook(|_| ());
}

/// The handle that C sends with this integer.
#[track_caller]
fn forge<K: ?Sized>(raw: usize) -> Handle<K> {
    Handle::from_raw(raw).expect("the integer is not zero")
}
