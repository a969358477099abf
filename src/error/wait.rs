//! [`WaitError`].

use std::{error::Error, ffi::c_int, fmt};

use super::{code::Status, handle::HandleError};

/// Why [`remove_wait`](crate::HandleTable::remove_wait) or [`take`](crate::HandleTable::take) has
/// not waited to the end.
///
/// # Example
///
/// A callback that unregisters itself would wait for its own end:
///
/// ```
/// use handle_table::{HandleTable, WaitError};
///
/// let table = HandleTable::new();
/// let handle = table.insert(String::from("value"));
/// let in_callback = table.call(handle.to_ptr(), |_| table.remove_wait(handle));
/// assert_eq!(in_callback, Ok(Err(WaitError::WouldDeadlock)));
/// assert!(!table.contains(handle)); // deleted all the same
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum WaitError {
    /// The handle names no value that can be used now.
    Handle(HandleError),
    /// The call would wait for its own thread: it comes from inside a callback of the value, while
    /// the thread holds a [`Ref`](crate::Ref) or [`Pinned`](crate::Pinned), or from the `Drop` of a
    /// value. Or it comes from the destructor of a thread-local while some thread reads, and can't
    /// tell any more whether that is its own.
    WouldDeadlock,
    /// The time is over, and a thread still uses the value. [`readers`](crate::readers) tells
    /// which.
    TimedOut,
}

impl WaitError {
    /// The status code for C; see [`status_message`](crate::status_message) for all of them.
    ///
    /// # Example
    ///
    /// ```
    /// assert_eq!(handle_table::WaitError::WouldDeadlock.code(), -9);
    /// ```
    #[must_use]
    pub const fn code(&self) -> c_int {
        match self {
            Self::Handle(error) => error.code(),
            Self::WouldDeadlock => Status::WouldDeadlock.code(),
            Self::TimedOut => Status::TimedOut.code(),
        }
    }
}

impl From<HandleError> for WaitError {
    fn from(error: HandleError) -> Self {
        Self::Handle(error)
    }
}

impl fmt::Display for WaitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handle(error) => error.fmt(f),
            Self::WouldDeadlock => f.write_str(
                "would wait for the calling thread itself: it is in a callback, holds a `Ref` or \
                 `Pinned`, or is inside a value's `Drop`",
            ),
            Self::TimedOut => f.write_str("timed out: another thread still uses the value"),
        }
    }
}

impl Error for WaitError {}
