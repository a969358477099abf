//! [`InsertError`].

use std::{error::Error, ffi::c_int, fmt};

use super::full::FullError;

/// Why [`try_insert_with_result`](crate::HandleTable::try_insert_with_result) inserted nothing.
///
/// # Example
///
/// ```
/// use handle_table::{HandleTable, InsertError};
///
/// let table = HandleTable::<u32>::new();
/// match table.try_insert_with_result(|_| "42 apples".parse()) {
///     Err(InsertError::Failed(error)) => println!("no number: {error}"),
///     Err(InsertError::Full(_)) => println!("no handle left"),
///     Ok(handle) => println!("{handle:?}"),
/// }
/// assert!(table.is_empty());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum InsertError<F, E> {
    /// The table ran out of handle space; with the closure, which was not called.
    Full(FullError<F>),
    /// The closure's own error.
    Failed(E),
}

impl<F, E> InsertError<F, E> {
    /// The status code for C of a full table; `None` for an error of the closure's own.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::HandleTable;
    ///
    /// let full = HandleTable::<u32>::builder().max_handles(0).build();
    /// let error = full.try_insert_with_result(|_| "7".parse()).unwrap_err();
    /// assert_eq!(error.code(), Some(-7));
    /// ```
    #[must_use]
    pub fn code(&self) -> Option<c_int> {
        match self {
            Self::Full(full) => Some(full.code()),
            Self::Failed(_) => None,
        }
    }
}

/// Does not show the closure.
impl<F, E: fmt::Debug> fmt::Debug for InsertError<F, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(full) => f.debug_tuple("Full").field(full).finish(),
            Self::Failed(error) => f.debug_tuple("Failed").field(error).finish(),
        }
    }
}

impl<F, E: fmt::Display> fmt::Display for InsertError<F, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(full) => full.fmt(f),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl<F, E: Error> Error for InsertError<F, E> {}
