//! [`Stats`]: what a table holds at a moment.

use std::{fmt, time::Duration};

/// What a table holds, as counted by [`HandleTable::stats`](crate::HandleTable::stats).
///
/// The slots are looked at one after the other while other threads go on. So each count is right
/// for some moment during the call, and their sum need not be right for any. When nothing else uses
/// the table, all are exact.
///
/// # Example
///
/// ```
/// use handle_table::HandleTable;
///
/// let table = HandleTable::new();
/// let handle = table.insert(String::from("value"));
/// let value = table.get(handle)?;
/// table.remove(handle)?;
///
/// let stats = table.stats();
/// assert_eq!((stats.live, stats.pending), (0, 1));
/// assert!(stats.oldest_reader.is_some()); // `value`
/// assert!(stats.to_string().contains("1 deleted but not yet dropped"));
///
/// drop(value);
/// let stats = table.stats();
/// assert_eq!((stats.pending, stats.oldest_reader), (0, None));
/// # Ok::<(), handle_table::HandleError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Slots whose handle is valid.
    pub live: usize,
    /// Slots without a value that can be issued, some of them only after a later delete, or by
    /// certain threads.
    pub vacant: usize,
    /// Slots whose handle was deleted and whose value is still to be dropped. A number that keeps
    /// growing means that a `Ref` or `Pinned` is held for too long: [`readers`](crate::readers)
    /// tells by which thread. It is zero if none is held and no call is running, unless the table
    /// drops in [batches](crate::Builder::batch).
    ///
    /// If `T` has no destructor and lies in its slot (up to 64 bytes, with an alignment of at most
    /// 64): slots in sealed batches, which later deletes reclaim. Slots of the open batch count as
    /// vacant.
    ///
    /// Another thread's call may change this number at any time.
    pub pending: usize,
    /// Slots that have used up their generations and are never issued again.
    pub exhausted: usize,
    /// Shards of the table; zero before its first insert.
    pub shards: usize,
    /// Bytes of address space for shards, slots and values: large segments take memory as they are
    /// used. Does not include what the values own, nor what the allocator adds.
    pub bytes: usize,
    /// Values whose `Drop` panicked while the table dropped them. The panic was contained.
    pub drop_panics: usize,
    /// Closures of [`call`](crate::HandleTable::call) and its variants that panicked. The panic was
    /// contained.
    pub call_panics: usize,
    /// Words from C that [`call`](crate::HandleTable::call) or a
    /// [destroy callback](crate::destroy_callback) could not use.
    pub bad_handles: usize,
    /// For how long the oldest [`Ref`](crate::Ref) or [`Pinned`](crate::Pinned) of any table is
    /// known to have been held; `None` if none is held. [`readers`](crate::readers) tells whose it
    /// is, and [`held_for`](crate::Reader::held_for) from when on that is counted.
    pub oldest_reader: Option<Duration>,
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "slots: {} live, {} vacant, {} deleted but not yet dropped, {} exhausted; \
             shards: {}; bytes: {}",
            self.live, self.vacant, self.pending, self.exhausted, self.shards, self.bytes
        )?;
        for (count, what) in [
            (self.drop_panics, "panics in drops"),
            (self.call_panics, "panics in callbacks"),
            (self.bad_handles, "bad handles from C"),
        ] {
            if count != 0 {
                write!(f, "; {what}: {count}")?;
            }
        }
        Ok(())
    }
}
