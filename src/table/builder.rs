//! [`Builder`]: a table's two settings.

use std::{fmt, marker::PhantomData};

use super::handle_table::HandleTable;
use crate::{inner::Limits, sync::const_unless_loom};

/// Settings of a table to be, made by [`HandleTable::builder`].
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
pub struct Builder<T> {
    limits: Limits,
    _values: PhantomData<fn() -> T>,
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
    pub const fn builder() -> Builder<T> {
        Builder { limits: Limits::DEFAULT, _values: PhantomData }
    }
}

impl<T> Builder<T> {
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

impl<T> fmt::Debug for Builder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("limits", &self.limits).finish()
    }
}
