//! [`Builder`] of an [`AnyTable`].

use super::table::AnyTable;
use crate::{
    sync::const_unless_loom,
    table::{Builder, HandleTable},
};

impl Builder<AnyTable> {
    /// Drops deleted values in batches of this size, not each with its delete: for throughput,
    /// where nobody waits for the drops. What it saves and costs is said
    /// [for a table of one type](Builder#method.batch). It has an effect on values of all types.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::AnyTable;
    /// use std::sync::Arc;
    ///
    /// let value = Arc::new(());
    /// let table = AnyTable::builder().batch(256).build();
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
        /// use handle_table::AnyTable;
        ///
        /// static TABLE: AnyTable = AnyTable::builder().build();
        /// assert!(TABLE.is_empty());
        /// ```
        pub const fn build(self) -> AnyTable {
            AnyTable { table: HandleTable::with_limits(self.limits) }
        }
    }
}
