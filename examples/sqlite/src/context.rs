//! What all callbacks of SQL functions share: the argument, the result, the error, and the place
//! where a panic has to stop.

use std::{
    any::Any,
    ffi::{c_int, c_void},
    fmt,
    panic::{catch_unwind, AssertUnwindSafe},
};

use handle_table::{Handle, HandleError};
use libsqlite3_sys as ffi;

/// Why a callback has no result.
pub(crate) enum Fault {
    Handle(HandleError),
    Message(&'static str),
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
            Self::Message(text) => f.write_str(text),
            Self::Panic(message) => write!(f, "the function panicked: {message}"),
        }
    }
}

/// Runs the body of a callback. A panic becomes an error, since it must not unwind into C.
pub(crate) fn catch_panic<R>(body: impl FnOnce() -> Result<R, Fault>) -> Result<R, Fault> {
    catch_unwind(AssertUnwindSafe(body))
        .unwrap_or_else(|payload| Err(Fault::Panic(panic_message(payload))))
}

fn panic_message(payload: Box<dyn Any + Send>) -> String {
    let text = |payload: Box<dyn Any + Send>| payload.downcast::<&str>().map(|s| s.to_string());
    match payload.downcast::<String>().map_or_else(text, |s| Ok(*s)) {
        Ok(message) => message,
        Err(other) => {
            std::mem::forget(other); // its own `drop` may panic
            String::from("no message")
        }
    }
}

/// The user data that the SQL function was registered with.
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
/// `argv` holds `argc` live arguments.
pub(crate) unsafe fn argument(
    argc: c_int,
    argv: *mut *mut ffi::sqlite3_value,
) -> Result<i64, Fault> {
    if argc != 1 {
        return Err(Fault::Message("one argument is expected"));
    }
    // SAFETY: the caller's duty; `argv` holds one argument.
    unsafe {
        match ffi::sqlite3_value_type(*argv) {
            ffi::SQLITE_INTEGER => Ok(ffi::sqlite3_value_int64(*argv)),
            _ => Err(Fault::Message("an integer is expected")),
        }
    }
}

/// The handle that SQLite keeps for one group of an aggregate.
///
/// The memory starts as zeroes, which is `None`. It is allocated by the first call with `size` not
/// zero; before that, a call with `size` zero returns no memory.
///
/// # Safety
///
/// `context` is live and belongs to an aggregate. No other reference to this memory is in use.
/// `size` is zero or the size of an `Option<Handle>`.
pub(crate) unsafe fn group_handle<'a>(
    context: *mut ffi::sqlite3_context,
    size: usize,
) -> Option<&'a mut Option<Handle>> {
    // SAFETY: the caller's duty. SQLite aligns the memory for every C type, keeps it as long as the
    // group, and has allocated it with the size of an `Option<Handle>`.
    unsafe {
        ffi::sqlite3_aggregate_context(context, size as c_int).cast::<Option<Handle>>().as_mut()
    }
}

/// Gives SQLite the result of the function: an integer, NULL or an error.
///
/// # Safety
///
/// `context` is live.
pub(crate) unsafe fn set_result(
    context: *mut ffi::sqlite3_context,
    result: Result<Option<i64>, Fault>,
) {
    // SAFETY: the caller's duty. SQLite copies `length` bytes of the message.
    unsafe {
        match result {
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
