//! [`readers`]: who is in the way.

use crate::{epoch, reader::Reader};

/// The threads that hold a [`Ref`](crate::Ref) or [`Pinned`](crate::Pinned) of any table, those
/// that have held theirs for the longest time first.
///
/// While a thread holds one, what it may see is not dropped: values that were deleted since, of any
/// table. If [`Stats::pending`](crate::Stats::pending) does not go back to zero, this tells which
/// threads keep it up: also a thread that has leaked a `Ref` by [`std::mem::forget`], even if it
/// has ended since.
///
/// Each thread is looked at once, while the others go on. A thread that is in the middle of a
/// look-up counts. All readers without a record (threads beyond the 1,024 that use tables at a
/// time, and look-ups in signal handlers) are told as one, without a name.
///
/// # Example
///
/// ```
/// use handle_table::{readers, HandleTable};
///
/// let table = HandleTable::new();
/// let handle = table.insert(String::from("value"));
/// std::mem::forget(table.get(handle)?);
/// let leaked = readers();
/// assert_eq!(leaked.len(), 1);
/// assert_eq!(leaked[0].name(), std::thread::current().name());
/// # Ok::<(), handle_table::HandleError>(())
/// ```
///
/// # Progress and cost
///
/// Wait-free, but for the allocator: writes the word that all readers load, and looks at one
/// record, of two cache lines, for each lease that was ever used.
#[must_use]
pub fn readers() -> Vec<Reader> {
    epoch::readers()
}
