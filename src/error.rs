//! What can go wrong, in words that say what to do.

use std::{error::Error, fmt};

use crate::reader::Reader;

/// Why a handle names no value.
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
/// assert!(matches!(table.get(handle), Err(HandleError::Deleted { .. })));
/// assert_eq!(Handle::from_raw(0), Err(HandleError::Null));
/// # Ok::<(), HandleError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum HandleError {
    /// The integer was zero, which is no handle: C had none to give, or lost it.
    Null,
    /// This table never issued it. It is an arbitrary integer, a handle of another table, or one of
    /// an earlier run of the program.
    Unknown,
    /// This table issued it, and it was deleted: this is a second delete, or a use after delete.
    /// (Or `insert_with` showed it to a closure that then panicked.)
    #[non_exhaustive]
    Deleted {
        /// The handle's integer, as it was passed in.
        raw: usize,
    },
    /// It is valid, but its value has another type than was asked for.
    #[non_exhaustive]
    WrongType {
        /// The type that was asked for.
        expected: &'static str,
        /// The type of the value.
        found: &'static str,
    },
}

impl fmt::Display for HandleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("the handle is null (zero is never a handle)"),
            Self::Unknown => f.write_str(
                "the handle was never issued by this table (garbage, or a handle of another table)",
            ),
            Self::Deleted { raw } => write!(
                f,
                "the handle {raw:#x} was already deleted (used after delete, or deleted twice)"
            ),
            Self::WrongType { expected, found } => write!(
                f,
                "the handle holds another type: asked for `{expected}`, it holds `{found}`"
            ),
        }
    }
}

impl Error for HandleError {}

/// The table ran out of handle space. Gives back what was to be inserted.
///
/// Either as many handles are valid as the builder's `max_handles` allows, or every slot is in use,
/// waits for readers or in a batch, is exhausted, or is vacant but held by another thread (see
/// [`Stats`](crate::Stats)). The insert has tried to drop what waits ([`flush`]) before it says so.
///
/// [`flush`]: crate::HandleTable::flush
///
/// # Example
///
/// ```
/// use handle_table::HandleTable;
///
/// let table = HandleTable::builder().max_handles(1).build();
/// table.insert(String::from("first"));
/// let full = table.try_insert(String::from("second")).unwrap_err();
/// assert_eq!(full.into_inner(), "second");
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Full<T>(T);

impl<T> Full<T> {
    pub(crate) fn new(rejected: T) -> Self {
        Self(rejected)
    }

    /// What was to be inserted: the value, or the closure that would have made it.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::HandleTable;
    ///
    /// let table = HandleTable::builder().max_handles(0).build();
    /// assert_eq!(table.try_insert(7).unwrap_err().into_inner(), 7);
    /// ```
    #[must_use = "it is the value that was not inserted"]
    pub fn into_inner(self) -> T {
        self.0
    }

    pub(crate) fn map<U>(self, f: impl FnOnce(T) -> U) -> Full<U> {
        Full(f(self.0))
    }
}

/// Does not show the value, which need not implement `Debug`.
impl<T> fmt::Debug for Full<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Full").finish_non_exhaustive()
    }
}

impl<T> fmt::Display for Full<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(FULL)
    }
}

impl<T> Error for Full<T> {}

/// The text of [`Full`], and of the panic where there is no `Result`. Its first clause is Go's.
pub(crate) const FULL: &str = "ran out of handle space: every handle this table may issue is in \
    use or used up (delete some, or raise `max_handles`)";

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
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
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
        /// The thread that has been in the way for the longest time. `None` if no thread reads any
        /// more: then another thread is still in the middle of a `Drop`.
        reader: Option<Reader>,
    },
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
                write!(f, "timed out: values still wait for a `Ref` or `Pinned` of {reader}")
            }
            Self::TimedOut { reader: None } => {
                f.write_str("timed out: another thread is still dropping values")
            }
        }
    }
}

impl Error for QuiesceError {}
