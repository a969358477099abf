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

mod forged;
mod go_handle;
mod insert_with;
mod iterate;
mod limit;
mod model;
mod traits;

use handle_table::Handle;

/// The handle that C sends with this integer.
#[track_caller]
fn forge(raw: usize) -> Handle {
    Handle::from_raw(raw).expect("the integer is not zero")
}
