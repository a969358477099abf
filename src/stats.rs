//! [`Stats`]: what a table holds at a moment.

use std::fmt;

/// What a table holds, as [`HandleTable::stats`](crate::HandleTable::stats) counted it.
///
/// The slots are looked at one after the other while other threads go on, so each count is right
/// for some moment during the call, and their sum need not be for any. When nothing else is using
/// the table, all are exact.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Slots whose handle is valid.
    pub live: usize,
    /// Slots without a value that can be issued (again), a few of them only after a later delete.
    pub vacant: usize,
    /// Slots whose handle was deleted, with their value still to be dropped. A number that keeps
    /// growing means a reader that never lets go: a `Ref` or `Pinned` held for too long.
    ///
    /// Where values have nothing to drop and lie in their slots (up to 64 bytes, aligned to as many at
    /// the most): slots in sealed batches that have not come back. Those of a batch that is not
    /// sealed yet count as vacant. That a batch comes back may be another thread's doing, if it is in
    /// the middle of a call to any table.
    pub pending: usize,
    /// Slots that have used up their generations and will never be issued again.
    pub exhausted: usize,
    /// Shards of the table; zero before its first insert.
    pub shards: usize,
    /// Bytes of shards, slots and values, as addresses: large arrays of slots take memory as they
    /// are used. Without what the values own, and what the allocator adds.
    pub bytes: usize,
    /// Values whose `Drop` panicked while the table dropped them. The panic went no further.
    pub drop_panics: usize,
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "slots: {} live, {} vacant, {} deleted but not yet dropped, {} exhausted; \
             shards: {}; bytes: {}",
            self.live, self.vacant, self.pending, self.exhausted, self.shards, self.bytes
        )?;
        match self.drop_panics {
            0 => Ok(()),
            panics => write!(f, "; {panics} drops panicked"),
        }
    }
}
