//! What all callbacks of SQL functions share: the user data, the argument, and the answer.

use std::{
    error::Error,
    ffi::{c_int, c_void},
};

use libsqlite3_sys as ffi;

/// What a callback answers: an integer, NULL, or an error whose message SQLite passes on.
pub(crate) type Answer = Result<Option<i64>, Box<dyn Error>>;

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
) -> Result<i64, &'static str> {
    if argc != 1 {
        return Err("one argument is expected");
    }
    // SAFETY: the caller's duty; `argv` holds one argument.
    unsafe {
        match ffi::sqlite3_value_type(*argv) {
            ffi::SQLITE_INTEGER => Ok(ffi::sqlite3_value_int64(*argv)),
            _ => Err("an integer is expected"),
        }
    }
}

/// The word that SQLite keeps for one group of an aggregate. It starts as null.
///
/// # Safety
///
/// `context` is live and belongs to an aggregate. No other reference to this word is in use.
pub(crate) unsafe fn group_data<'a>(
    context: *mut ffi::sqlite3_context,
) -> Option<&'a mut *mut c_void> {
    let size = size_of::<*mut c_void>() as c_int;
    // SAFETY: the caller's duty. SQLite allocates `size` bytes at the first call for a group, sets
    // them to zero, aligns them for every C type, and keeps them as long as the group.
    unsafe { ffi::sqlite3_aggregate_context(context, size).cast::<*mut c_void>().as_mut() }
}

/// Gives SQLite the answer of the function.
///
/// # Safety
///
/// `context` is live.
pub(crate) unsafe fn set_answer(context: *mut ffi::sqlite3_context, answer: Answer) {
    // SAFETY: the caller's duty. SQLite copies `length` bytes of the message.
    unsafe {
        match answer {
            Ok(Some(value)) => ffi::sqlite3_result_int64(context, value),
            Ok(None) => ffi::sqlite3_result_null(context),
            Err(error) => {
                let message = error.to_string();
                let length = c_int::try_from(message.len()).unwrap_or(0);
                ffi::sqlite3_result_error(context, message.as_ptr().cast(), length);
            }
        }
    }
}
