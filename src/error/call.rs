//! [`CallError`].

use std::{error::Error, ffi::c_int, fmt};

use super::{code::Status, handle::HandleError};

/// Why [`call`](crate::HandleTable::call) has no result.
///
/// # Example
///
/// ```
/// use handle_table::{CallError, HandleError, HandleTable};
///
/// let table = HandleTable::new();
/// let user_data = table.insert(7).to_ptr();
/// assert_eq!(table.call(user_data, |number| number + 1), Ok(8));
///
/// let panicked = table.call(user_data, |number| assert_eq!(*number, 8));
/// assert_eq!(panicked, Err(CallError::Panicked));
/// let null = table.call(std::ptr::null_mut(), |number| number + 1);
/// assert_eq!(null, Err(CallError::Handle(HandleError::Null)));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CallError {
    /// The handle names no value that can be used now. The closure was not called.
    Handle(HandleError),
    /// The closure panicked. The panic was contained, and the value is still in the table (but for
    /// one of a [`OnceTable`](crate::OnceTable), which is gone).
    Panicked,
}

impl CallError {
    /// The status code for C; see [`status_message`](crate::status_message) for all of them.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::HandleTable;
    /// use std::ffi::{c_int, c_void};
    ///
    /// static NUMBERS: HandleTable<c_int> = HandleTable::new();
    ///
    /// extern "C" fn number_get(handle: *mut c_void) -> c_int {
    ///     NUMBERS.call(handle, |number| *number).unwrap_or_else(|error| error.code())
    /// }
    ///
    /// assert_eq!(number_get(std::ptr::null_mut()), -1);
    /// assert_eq!(number_get(NUMBERS.insert(7).to_ptr()), 7);
    /// ```
    // Not inlined: it would be the larger part of a callback.
    #[inline(never)]
    #[must_use]
    pub const fn code(&self) -> c_int {
        match self {
            Self::Handle(error) => error.code(),
            Self::Panicked => Status::Panicked.code(),
        }
    }
}

impl From<HandleError> for CallError {
    fn from(error: HandleError) -> Self {
        Self::Handle(error)
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handle(error) => error.fmt(f),
            Self::Panicked => f.write_str("the callback panicked (the panic was contained)"),
        }
    }
}

impl Error for CallError {}
