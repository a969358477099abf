//! Status codes for C, and their messages.

use std::ffi::{c_int, CStr};

/// What each code stands for. The numbers are part of the interface, and stay.
#[derive(Clone, Copy, Debug)]
pub(super) enum Status {
    Null = -1,
    Unknown = -2,
    Deleted = -3,
    WrongType = -4,
    Busy = -5,
    NotYet = -6,
    Full = -7,
    Panicked = -8,
    WouldDeadlock = -9,
    TimedOut = -10,
}

impl Status {
    pub(super) const fn code(self) -> c_int {
        self as c_int
    }
}

/// The message of a status code, for C: static text in ASCII, never null, whatever the integer.
///
/// Every error of this crate has a `code()`. The codes are stable:
///
/// | code | error | message |
/// |---|---|---|
/// | 0 | | success |
/// | -1 | [`HandleError::Null`] | the handle is null |
/// | -2 | [`HandleError::Unknown`] | the handle was never issued by this table |
/// | -3 | [`HandleError::Deleted`] | the handle was already deleted |
/// | -4 | [`HandleError::WrongType`] | the handle names a value of another type |
/// | -5 | [`HandleError::Busy`] | the value is in use |
/// | -6 | [`HandleError::NotYet`] | the handle has no value yet |
/// | -7 | [`FullError`] | out of handle space |
/// | -8 | [`CallError::Panicked`] | the callback panicked |
/// | -9 | [`WaitError::WouldDeadlock`], most of [`QuiesceError`] | would wait for the calling thread itself |
/// | -10 | [`WaitError::TimedOut`], [`QuiesceError::TimedOut`] | timed out |
/// | all others | | unknown status code |
///
/// [`HandleError::Null`]: crate::HandleError::Null
/// [`HandleError::Unknown`]: crate::HandleError::Unknown
/// [`HandleError::Deleted`]: crate::HandleError::Deleted
/// [`HandleError::WrongType`]: crate::HandleError::WrongType
/// [`HandleError::Busy`]: crate::HandleError::Busy
/// [`HandleError::NotYet`]: crate::HandleError::NotYet
/// [`FullError`]: crate::FullError
/// [`CallError::Panicked`]: crate::CallError::Panicked
/// [`WaitError::WouldDeadlock`]: crate::WaitError::WouldDeadlock
/// [`WaitError::TimedOut`]: crate::WaitError::TimedOut
/// [`QuiesceError`]: crate::QuiesceError
/// [`QuiesceError::TimedOut`]: crate::QuiesceError::TimedOut
///
/// # Example
///
/// A C API hands it on as it is:
///
/// ```
/// use handle_table::status_message;
/// use std::ffi::{c_char, c_int};
///
/// #[no_mangle]
/// pub extern "C" fn sessions_strerror(code: c_int) -> *const c_char {
///     status_message(code).as_ptr()
/// }
///
/// assert_eq!(status_message(-3), c"the handle was already deleted");
/// assert_eq!(status_message(12_345), c"unknown status code");
/// ```
#[must_use]
pub const fn status_message(code: c_int) -> &'static CStr {
    match code {
        0 => c"success",
        -1 => c"the handle is null",
        -2 => c"the handle was never issued by this table",
        -3 => c"the handle was already deleted",
        -4 => c"the handle names a value of another type",
        -5 => c"the value is in use",
        -6 => c"the handle has no value yet",
        -7 => c"out of handle space",
        -8 => c"the callback panicked",
        -9 => c"would wait for the calling thread itself",
        -10 => c"timed out",
        _ => c"unknown status code",
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::error::{CallError, FullError, HandleError, QuiesceError, WaitError};

    #[test]
    fn every_error_has_a_code_with_a_message_of_its_own() {
        let raw = 1;
        let codes = [
            HandleError::Null.code(),
            HandleError::Unknown { raw }.code(),
            HandleError::Deleted { raw }.code(),
            HandleError::WrongType { raw, expected: "", found: "" }.code(),
            HandleError::Busy { raw }.code(),
            HandleError::NotYet { raw }.code(),
            FullError::new(()).code(),
            CallError::Panicked.code(),
            WaitError::WouldDeadlock.code(),
            WaitError::TimedOut.code(),
        ];
        assert_eq!(codes.to_vec(), (1..=10).map(|code: c_int| -code).collect::<Vec<_>>());
        let mut messages: Vec<_> = codes.into_iter().map(status_message).collect();
        messages.extend([status_message(0), status_message(1)]);
        messages.sort_unstable();
        messages.dedup();
        assert_eq!(messages.len(), codes.len() + 2);
        assert_eq!(QuiesceError::Pinned.code(), WaitError::WouldDeadlock.code());
        assert_eq!(QuiesceError::TimedOut { reader: None }.code(), WaitError::TimedOut.code());
        assert_eq!(WaitError::from(HandleError::Null).code(), HandleError::Null.code());
    }

    #[test]
    fn any_integer_has_a_message() {
        for code in [c_int::MIN, c_int::MAX, 1, -11] {
            assert_eq!(status_message(code), c"unknown status code");
        }
    }
}
