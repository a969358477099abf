//! [`FullError`].

use std::{error::Error, ffi::c_int, fmt};

use super::code::Status;

/// The table ran out of handle space. Gives back what was to be inserted.
///
/// One of these is so (see [`Stats`](crate::Stats)):
///
/// - as many handles are valid, or reserved, as the builder's `max_handles` allows;
/// - every slot is in use, waits for readers or in a batch, has used up its generations, or is
///   vacant but held by another thread;
/// - the allocator has no memory for more slots. (A value of more than 64 bytes has a box of its
///   own. If there is no memory for that, the process is aborted, as by `Box::new`.)
///
/// The insert has tried to drop what waits ([`flush`]) before it says so, unless that could not
/// help. If other threads were about to put vacant slots back, it has tried again, for some 40 ms
/// at the most: a thread that is stopped just then for longer can make a table look full that is
/// not. The table works on, and inserts succeed again when handles were deleted, as long as
/// [`Stats::remaining`](crate::Stats::remaining) is not zero. A table that has issued all handles
/// is full for good: [`Stats::lasts_for`](crate::Stats::lasts_for) forecasts when, and [the
/// limits][narrow] say what to do.
///
/// [narrow]: crate::docs::scaling#on-32-bit-targets-and-wasm
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
#[must_use = "it holds what was to be inserted"]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct FullError<T>(T);

impl<T> FullError<T> {
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

    /// The status code for C; see [`status_message`](crate::status_message) for all of them.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::HandleTable;
    ///
    /// let table = HandleTable::builder().max_handles(0).build();
    /// assert_eq!(table.try_insert(7).unwrap_err().code(), -7);
    /// ```
    #[must_use]
    pub const fn code(&self) -> c_int {
        Status::Full.code()
    }

    pub(crate) fn map<U>(self, f: impl FnOnce(T) -> U) -> FullError<U> {
        FullError(f(self.0))
    }
}

/// Does not show the value, which need not implement `Debug`.
impl<T> fmt::Debug for FullError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FullError").finish_non_exhaustive()
    }
}

impl<T> fmt::Display for FullError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(FULL)
    }
}

impl<T> Error for FullError<T> {}

/// The text of [`FullError`], and of the panic where there is no `Result`. Its first clause is
/// Go's.
const FULL: &str = "ran out of handle space: every handle this table may issue is in use, used \
    up or kept by another thread, or there is no memory for more (delete some, raise \
    `max_handles`, or begin another table; `stats` tells what is the matter)";

/// The panic of inserts that return no `Result`.
#[cold]
#[track_caller]
pub(crate) fn out_of_space() -> ! {
    panic!("{FULL}")
}
