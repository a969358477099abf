//! The parts that every callback of an SQL function has in common: argument, result, error, and
//! the edge where a panic has to stop.

use std::{
    any::Any,
    ffi::{c_int, c_void},
    fmt,
    panic::{catch_unwind, AssertUnwindSafe},
};

use handle_table::{Handle, HandleError};
use libsqlite3_sys as ffi;

/// Why a callback has no answer.
pub(crate) enum Fault {
    Handle(HandleError),
    Says(&'static str),
    Panic(String),
}

impl From<HandleError> for Fault {
    fn from(error: HandleError) -> Self {
        Self::Handle(error)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handle(error) => error.fmt(f),
            Self::Says(words) => f.write_str(words),
            Self::Panic(words) => write!(f, "the function panicked: {words}"),
        }
    }
}

/// Runs a callback's body, and makes a panic an error.
pub(crate) fn contain<R>(body: impl FnOnce() -> Result<R, Fault>) -> Result<R, Fault> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| Err(Fault::Panic(words(payload))))
}

/// The message of a panic.
fn words(payload: Box<dyn Any + Send>) -> String {
    let text = |payload: Box<dyn Any + Send>| payload.downcast::<&str>().map(|s| s.to_string());
    match payload.downcast::<String>().map_or_else(text, |s| Ok(*s)) {
        Ok(words) => words,
        Err(other) => {
            std::mem::forget(other); // it may panic in its own drop
            String::from("it did not say why")
        }
    }
}

/// The user data that the function was registered with.
///
/// # Safety
///
/// `context` is live.
pub(crate) unsafe fn user_data(context: *mut ffi::sqlite3_context) -> *mut c_void {
    // SAFETY: the caller's duty.
    unsafe { ffi::sqlite3_user_data(context) }
}

/// The one argument, which must be an integer.
///
/// # Safety
///
/// `argv` holds `argc` arguments, and they are live.
pub(crate) unsafe fn argument(
    argc: c_int,
    argv: *mut *mut ffi::sqlite3_value,
) -> Result<i64, Fault> {
    if argc != 1 {
        return Err(Fault::Says("one argument is expected"));
    }
    // SAFETY: the caller's duty, and there is one.
    unsafe {
        match ffi::sqlite3_value_type(*argv) {
            ffi::SQLITE_INTEGER => Ok(ffi::sqlite3_value_int64(*argv)),
            _ => Err(Fault::Says("an integer is expected")),
        }
    }
}

/// Memory that SQLite keeps for one group of an aggregate: zeroes at first, which as an
/// `Option<Handle>` are `None`. With `size` 0 there is none unless it was asked for before.
///
/// # Safety
///
/// `context` is live and of an aggregate; no other reference to the slot is in use.
pub(crate) unsafe fn group_slot<'a>(
    context: *mut ffi::sqlite3_context,
    size: usize,
) -> Option<&'a mut Option<Handle>> {
    // SAFETY: the caller's duty. The memory is aligned for any of C's types, lives as long as the
    // context, and was asked for with the size of an `Option<Handle>` when it was made.
    unsafe {
        ffi::sqlite3_aggregate_context(context, size as c_int)
            .cast::<Option<Handle>>()
            .as_mut()
    }
}

/// Gives SQLite the function's result: an integer, NULL or an error.
///
/// # Safety
///
/// `context` is live.
pub(crate) unsafe fn reply(context: *mut ffi::sqlite3_context, answer: Result<Option<i64>, Fault>) {
    // SAFETY: the caller's duty. SQLite copies the message, of which it is told the length.
    unsafe {
        match answer {
            Ok(Some(value)) => ffi::sqlite3_result_int64(context, value),
            Ok(None) => ffi::sqlite3_result_null(context),
            Err(fault) => {
                let message = fault.to_string();
                let length = c_int::try_from(message.len()).unwrap_or(0);
                ffi::sqlite3_result_error(context, message.as_ptr().cast(), length);
            }
        }
    }
}
