//! [`QuiesceError`].

use std::{error::Error, ffi::c_int, fmt};

use super::code::Status;
use crate::reader::Reader;

/// Why [`HandleTable::quiesce`](crate::HandleTable::quiesce) would never return, or
/// [`quiesce_timeout`](crate::HandleTable::quiesce_timeout) has given up.
///
/// # Example
///
/// ```
/// use handle_table::{HandleTable, QuiesceError};
///
/// let table = HandleTable::new();
/// table.insert(7);
/// let pinned = table.pin();
/// assert_eq!(table.quiesce(), Err(QuiesceError::Pinned));
/// drop(pinned);
/// assert_eq!(table.quiesce(), Ok(()));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum QuiesceError {
    /// The calling thread holds a `Ref` or `Pinned`, of this table or another, and so keeps deleted
    /// values alive itself. Drop it first.
    Pinned,
    /// It was called from the `Drop` of a value that a table is dropping.
    InsideDrop,
    /// It was called from the destructor of a thread-local, when the thread's own state in this
    /// crate was already gone and could no longer tell whether the thread holds a `Ref`.
    ThreadEnding,
    /// The time of [`quiesce_timeout`](crate::HandleTable::quiesce_timeout) is over.
    TimedOut {
        /// Of the threads that were reading when the call began and still are, the one that has
        /// been in the way for the longest time. `None` if there is none: then another thread is
        /// still in the middle of a `Drop`.
        reader: Option<Reader>,
    },
}

impl QuiesceError {
    /// The status code for C; see [`status_message`](crate::status_message) for all of them.
    ///
    /// # Example
    ///
    /// ```
    /// assert_eq!(handle_table::QuiesceError::Pinned.code(), -9);
    /// ```
    #[must_use]
    pub const fn code(&self) -> c_int {
        match self {
            Self::Pinned | Self::InsideDrop | Self::ThreadEnding => Status::WouldDeadlock,
            Self::TimedOut { .. } => Status::TimedOut,
        }
        .code()
    }
}

impl fmt::Display for QuiesceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pinned => f.write_str(
                "quiesce would wait for the calling thread itself: drop its `Ref`s and `Pinned`s \
                 first",
            ),
            Self::InsideDrop => f.write_str(
                "quiesce was called from a value's `Drop`: it would wait for that drop to end",
            ),
            Self::ThreadEnding => {
                f.write_str("quiesce was called while the thread's locals were being destroyed")
            }
            Self::TimedOut { reader: Some(reader) } => {
                write!(f, "timed out: values may still wait for a `Ref` or `Pinned` of {reader}")
            }
            Self::TimedOut { reader: None } => {
                f.write_str("timed out: another thread is still dropping values")
            }
        }
    }
}

impl Error for QuiesceError {}
