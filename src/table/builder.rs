//! [`Builder`]: a table's settings.

use std::{fmt, marker::PhantomData};

use super::handle_table::HandleTable;
use crate::{inner::Limits, sync::const_unless_loom};

/// Settings of a table to be, made by [`HandleTable::builder`] and by the `builder` of the other
/// tables. `Table` is the table's type.
///
/// # Example
///
/// ```
/// use handle_table::HandleTable;
///
/// static SMALL: HandleTable<u32> = HandleTable::builder().shards(4).max_handles(2).build();
///
/// SMALL.insert(1);
/// SMALL.insert(2);
/// assert_eq!(SMALL.try_insert(3).unwrap_err().into_inner(), 3);
/// ```
#[must_use = "a builder makes nothing before `build`"]
pub struct Builder<Table> {
    pub(super) limits: Limits,
    _table: PhantomData<fn() -> Table>,
}

impl<T> HandleTable<T> {
    /// Begins an empty table that is told its number of shards or its largest number of handles.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::HandleTable;
    ///
    /// let table = HandleTable::builder().shards(64).build();
    /// table.insert("value");
    /// assert_eq!(table.stats().shards, if cfg!(feature = "sharded") { 64 } else { 1 });
    /// ```
    pub const fn builder() -> Builder<Self> {
        Builder::new()
    }
}

impl<Table> Builder<Table> {
    pub(super) const fn new() -> Self {
        Self { limits: Limits::DEFAULT, _table: PhantomData }
    }

    /// How many shards the table has: rounded up to a power of two, between 1 and 1024. The default
    /// is twice the machine's parallelism, at least 32.
    ///
    /// Each shard but one can be owned by a thread, which then inserts and deletes without touching
    /// what other threads write. A thread takes the lowest free shard number at its first use of
    /// any table and keeps it until it ends. Threads beyond that share the one shard that is left:
    /// everything works there, with a few more compare-exchanges.
    ///
    /// A shard takes about 1 KiB, and the slots that are used in it. Without the cargo feature
    /// `sharded` a table has one shard, whatever is set here.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::HandleTable;
    ///
    /// // For a thousand threads that all insert and delete.
    /// static WIDE: HandleTable<u32> = HandleTable::builder().shards(1024).build();
    /// WIDE.insert(7);
    /// ```
    pub const fn shards(mut self, shards: usize) -> Self {
        self.limits.shards = if shards == 0 { 1 } else { shards };
        self
    }

    /// How many handles may be valid at once. The default is what the handle's bits allow: at least
    /// 2^30 on 64-bit targets, 2^19 on 32-bit ones, and more with more shards.
    ///
    /// The limit is exact. It costs each insert and delete an atomic count on a cache line that all
    /// threads share.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::HandleTable;
    ///
    /// let table = HandleTable::builder().max_handles(1).build();
    /// let handle = table.insert(1);
    /// assert!(table.try_insert(2).is_err());
    /// table.remove(handle)?;
    /// assert!(table.try_insert(2).is_ok());
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    pub const fn max_handles(mut self, handles: usize) -> Self {
        self.limits.max_handles = handles;
        self
    }
}

impl<T> Builder<HandleTable<T>> {
    /// Drops deleted values in batches of this size, not each with its delete: for throughput,
    /// where nobody waits for the drops.
    ///
    /// A delete then collects the slot, and each `deletes`th one of a thread drops what has been
    /// collected in its [shard](Self::shards), or leaves it to the last of the readers in the way.
    /// One look at the readers, and one visit of the code of `Drop`, serve the whole batch: with
    /// `Arc`s and 256, an insert and a remove take about three quarters of their time. What it
    /// costs:
    ///
    /// - up to `deletes - 1` values of each shard wait for a later delete, for as long as that
    ///   takes: when a program is about to idle, or a thread to end, it is for you to call
    ///   [`flush`](HandleTable::flush), [`quiesce`](HandleTable::quiesce) for what must be gone, or
    ///   [`remove_now`](HandleTable::remove_now), which goes by no batch;
    /// - the values of one batch are dropped by one thread, one after the other: a slow one holds
    ///   up the others of its batch.
    ///
    /// Zero and one mean no batches, as by default. On 32-bit targets a batch has at most 1,023
    /// values. Without effect if `T` has nothing to drop (no destructor, and up to 64 bytes): see
    /// [`HandleTable`](HandleTable#when-values-are-dropped).
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::HandleTable;
    /// use std::sync::Arc;
    ///
    /// let value = Arc::new(());
    /// let table = HandleTable::builder().batch(256).build();
    /// let handle = table.insert(Arc::clone(&value));
    /// table.remove(handle)?;
    /// assert_eq!((table.stats().pending, Arc::strong_count(&value)), (1, 2));
    /// assert_eq!(table.flush(), 1);
    /// assert_eq!((table.stats().pending, Arc::strong_count(&value)), (0, 1));
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    pub const fn batch(mut self, deletes: usize) -> Self {
        self.limits.batch = deletes;
        self
    }

    const_unless_loom! {
        /// The table, empty.
        ///
        /// # Example
        ///
        /// ```
        /// use handle_table::HandleTable;
        ///
        /// static TABLE: HandleTable<u32> = HandleTable::builder().build();
        /// assert!(TABLE.is_empty());
        /// ```
        pub const fn build(self) -> HandleTable<T> {
            HandleTable::with_limits(self.limits)
        }
    }
}

impl<Table> fmt::Debug for Builder<Table> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("limits", &self.limits).finish()
    }
}
