//! [`HandleError`].

use std::{error::Error, ffi::c_int, fmt};

use super::code::Status;

/// Why a handle names no value, or not one that can be used now.
///
/// Whatever integer C sent, the answer is one of these. Nothing was read through it, and nothing
/// was changed.
///
/// # Example
///
/// ```
/// use handle_table::{Handle, HandleError, HandleTable};
///
/// let table = HandleTable::new();
/// let handle = table.insert(7);
/// table.remove(handle)?;
/// let error = table.get(handle).unwrap_err();
/// assert!(matches!(error, HandleError::Deleted { .. }));
/// assert_eq!(error.raw(), Some(handle.to_raw()));
/// # Ok::<(), HandleError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum HandleError {
    /// The integer was zero, which is no handle: C had none to give, or lost it.
    Null,
    /// This table never issued it. It is an arbitrary integer, a handle of another table, or one of
    /// an earlier run of the program.
    Unknown {
        /// The integer, as it was passed in.
        raw: usize,
    },
    /// This table issued it, and it was deleted: this is a second delete, or a use after delete.
    /// (Or it was shown to a closure of `insert_with`, or reserved, and then never issued. Or the
    /// table passed it over, as it does when slots go from thread to thread.)
    #[non_exhaustive]
    Deleted {
        /// The integer, as it was passed in.
        raw: usize,
    },
    /// It is valid, but its value has another type than was asked for.
    #[non_exhaustive]
    WrongType {
        /// The integer, as it was passed in.
        raw: usize,
        /// The type that was asked for.
        expected: &'static str,
        /// The type of the value.
        found: &'static str,
    },
    /// It is valid, but its [`Exclusive`](crate::Exclusive) value is borrowed at this moment, by
    /// another thread or further out in the same call.
    Busy {
        /// The integer, as it was passed in.
        raw: usize,
    },
    /// It is [reserved](crate::HandleTable::reserve), or [`insert_with`] has shown it to its
    /// closure: its value is still to come.
    ///
    /// [`insert_with`]: crate::HandleTable::insert_with
    NotYet {
        /// The integer, as it was passed in.
        raw: usize,
    },
}

impl HandleError {
    /// The integer that was passed in; `None` for [`Null`](Self::Null).
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::{Handle, HandleTable};
    ///
    /// let error = HandleTable::<u8>::new().get(Handle::from_raw(42)?).unwrap_err();
    /// assert_eq!(error.raw(), Some(42));
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    #[must_use]
    pub const fn raw(&self) -> Option<usize> {
        match *self {
            Self::Null => None,
            Self::Unknown { raw }
            | Self::Deleted { raw }
            | Self::WrongType { raw, .. }
            | Self::Busy { raw }
            | Self::NotYet { raw } => Some(raw),
        }
    }

    /// The status code for C; see [`status_message`](crate::status_message) for all of them.
    ///
    /// # Example
    ///
    /// ```
    /// assert_eq!(handle_table::HandleError::Null.code(), -1);
    /// ```
    // Not inlined: it would be the larger part of a callback.
    #[inline(never)]
    #[must_use]
    pub const fn code(&self) -> c_int {
        match self {
            Self::Null => Status::Null,
            Self::Unknown { .. } => Status::Unknown,
            Self::Deleted { .. } => Status::Deleted,
            Self::WrongType { .. } => Status::WrongType,
            Self::Busy { .. } => Status::Busy,
            Self::NotYet { .. } => Status::NotYet,
        }
        .code()
    }
}

impl fmt::Display for HandleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("the handle is null (zero is never a handle)"),
            Self::Unknown { raw } => write!(
                f,
                "the handle {raw:#x} was never issued by this table (garbage, or a handle of \
                 another table)"
            ),
            Self::Deleted { raw } => write!(
                f,
                "the handle {raw:#x} was already deleted (used after delete, or deleted twice)"
            ),
            Self::WrongType { raw, expected, found } => write!(
                f,
                "the handle {raw:#x} holds another type: asked for `{expected}`, it holds `{found}`"
            ),
            Self::Busy { raw } => write!(
                f,
                "the value of the handle {raw:#x} is borrowed mutably (by another thread, or by \
                 the caller itself)"
            ),
            Self::NotYet { raw } => {
                write!(f, "the handle {raw:#x} is reserved, and its value is still to come")
            }
        }
    }
}

impl Error for HandleError {}
