//! [`AnyTable`]: what deletes handles, and what drops their values.

use std::{any::Any, time::Duration};

use super::table::AnyTable;
use crate::{
    error::{HandleError, QuiesceError},
    handle::Handle,
    table::Ref,
};

/// Deletes, and the drops of deleted values.
impl AnyTable {
    /// Deletes `handle`, whichever type its value has: it is invalid from here on, for ever. Its
    /// value is dropped before this returns, unless a thread holds a [`Ref`] or
    /// [`PinnedAny`](crate::PinnedAny), the caller included: then [the last of these drops
    /// it](crate::HandleTable#when-values-are-dropped).
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::{AnyTable, HandleError};
    /// use std::sync::Arc;
    ///
    /// let table = AnyTable::new();
    /// let resource = Arc::new(7);
    /// let handle = table.insert(Arc::clone(&resource));
    /// table.remove(handle)?;
    /// assert_eq!(Arc::strong_count(&resource), 1); // dropped
    /// assert!(matches!(table.remove(handle), Err(HandleError::Deleted { .. })));
    /// # Ok::<(), HandleError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`HandleError::Deleted`] if it was deleted before, [`HandleError::Unknown`] if this table
    /// never issued it. Of several threads that delete the same handle, one succeeds.
    ///
    /// # Progress and cost
    ///
    /// Those of [`HandleTable::remove`](crate::HandleTable::remove) for a value with something to
    /// drop.
    #[doc(alias = "unregister")]
    #[inline(always)]
    pub fn remove(&self, handle: Handle<dyn Any>) -> Result<(), HandleError> {
        self.table.remove(handle.cast())
    }

    /// Deletes `handle` as [`remove`](Self::remove) does, if its value is a `T`. A value of another
    /// type lives on, and its handle stays valid.
    ///
    /// For a destructor of C's that is meant for one type: a handle of another, mixed up in C, is
    /// not lost by it.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::{AnyTable, HandleError};
    ///
    /// let table = AnyTable::new();
    /// let handle = table.insert(String::from("value"));
    /// assert!(matches!(table.remove_as::<u32>(handle), Err(HandleError::WrongType { .. })));
    /// assert_eq!(*table.get::<String>(handle)?, "value"); // still there
    /// table.remove_as::<String>(handle)?;
    /// assert!(table.is_empty());
    /// # Ok::<(), HandleError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get).
    ///
    /// # Progress and cost
    ///
    /// Those of [`get`](Self::get) and of [`remove`](Self::remove).
    pub fn remove_as<T: 'static>(&self, handle: Handle<dyn Any>) -> Result<(), HandleError> {
        // The `Ref` ends before the delete, or it would be in the way of the value's drop. A handle
        // never gets a value of another type meanwhile.
        drop(self.get::<T>(handle)?);
        self.remove(handle)
    }

    /// Deletes `handle`, and gives a last look at its value, which must be a `T`. The end of the
    /// [`Ref`] drops the value, if no other thread is in the way. A value of another type lives on,
    /// and its handle stays valid.
    ///
    /// # Example
    ///
    /// ```
    /// let table = handle_table::AnyTable::new();
    /// let handle = table.insert(String::from("value"));
    /// assert!(table.remove_ref::<u32>(handle).is_err());
    /// let value = table.remove_ref::<String>(handle)?;
    /// assert!(!table.contains(handle));
    /// assert_eq!(*value, "value");
    /// drop(value);
    /// assert_eq!(table.stats().pending, 0);
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get).
    ///
    /// # Progress and cost
    ///
    /// Those of [`HandleTable::remove_ref`](crate::HandleTable::remove_ref), and a comparison of
    /// types.
    pub fn remove_ref<T: 'static>(
        &self,
        handle: Handle<dyn Any>,
    ) -> Result<Ref<'_, T>, HandleError> {
        let value = self.get(handle)?;
        // Perhaps another thread was faster, and has the last look.
        self.remove(handle)?;
        Ok(value)
    }

    /// Deletes `handle` without a [batch](crate::Builder::batch), and says whether its value was
    /// dropped: `false` if it still was in use, by any thread, the caller included; see
    /// [`HandleTable::remove_now`](crate::HandleTable::remove_now).
    ///
    /// # Example
    ///
    /// ```
    /// let table = handle_table::AnyTable::new();
    /// let (one, two) = (table.insert(String::from("one")), table.insert(2));
    /// assert_eq!(table.remove_now(one), Ok(true));
    /// let value = table.get::<i32>(two)?;
    /// assert_eq!(table.remove_now(two), Ok(false)); // `value` is in the way
    /// # drop(value);
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`remove`](Self::remove).
    ///
    /// # Progress and cost
    ///
    /// Those of [`remove`](Self::remove). It waits for nobody.
    pub fn remove_now(&self, handle: Handle<dyn Any>) -> Result<bool, HandleError> {
        self.table.remove_now(handle.cast())
    }

    /// Deletes every handle for whose value `keep` returns `false`. Returns how many it has
    /// deleted. `keep` sees values of all types, to be downcast; it may use the table.
    ///
    /// When the values are dropped is said at [`HandleTable::retain`](crate::HandleTable::retain).
    ///
    /// # Example
    ///
    /// ```
    /// let table = handle_table::AnyTable::new();
    /// let (one, two) = (table.insert(1_u32), table.insert(String::from("two")));
    /// assert_eq!(table.retain(|_, value| !value.is::<String>()), 1);
    /// assert!(table.contains(one) && !table.contains(two));
    /// ```
    ///
    /// # Panics
    ///
    /// If `keep` panics. What it had refused by then is deleted.
    ///
    /// # Progress and cost
    ///
    /// Those of [`HandleTable::retain`](crate::HandleTable::retain).
    pub fn retain(
        &self,
        mut keep: impl FnMut(Handle<dyn Any>, &(dyn Any + Send + Sync)) -> bool,
    ) -> usize {
        self.table.retain(|handle, any| keep(handle.cast(), any.as_any()))
    }

    /// Deletes every handle that is live when the call reaches it, as [`retain`](Self::retain)
    /// does. Returns how many it has deleted.
    ///
    /// # Example
    ///
    /// ```
    /// let table = handle_table::AnyTable::new();
    /// let _handles = (table.insert(1), table.insert("two"));
    /// assert_eq!(table.clear(), 2);
    /// assert!(table.is_empty());
    /// ```
    ///
    /// # Progress and cost
    ///
    /// Those of [`retain`](Self::retain).
    pub fn clear(&self) -> usize {
        self.table.clear()
    }

    /// Drops what waits and can be dropped now. Returns how many values of this table it has
    /// dropped. Seldom needed: see [`HandleTable::flush`](crate::HandleTable::flush).
    ///
    /// # Example
    ///
    /// ```
    /// let table = handle_table::AnyTable::builder().batch(256).build();
    /// let handle = table.insert(7);
    /// table.remove(handle)?;
    /// assert_eq!(table.flush(), 1);
    /// assert_eq!(table.flush(), 0); // nothing waits
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    ///
    /// # Progress and cost
    ///
    /// Those of [`HandleTable::flush`](crate::HandleTable::flush).
    pub fn flush(&self) -> usize {
        self.table.flush()
    }

    /// Waits until every value that was deleted before the call has been dropped, by whichever
    /// thread it was deleted; see [`HandleTable::quiesce`](crate::HandleTable::quiesce).
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::{AnyTable, QuiesceError};
    ///
    /// let table = AnyTable::new();
    /// let handle = table.insert(String::from("value"));
    /// let value = table.remove_ref::<String>(handle)?;
    /// assert_eq!(table.quiesce(), Err(QuiesceError::Pinned));
    /// drop(value);
    /// table.quiesce()?;
    /// assert_eq!(table.stats().pending, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`QuiesceError`] where it would wait for itself.
    ///
    /// # Progress and cost
    ///
    /// Those of [`HandleTable::quiesce`](crate::HandleTable::quiesce).
    #[doc(alias = "synchronize")]
    pub fn quiesce(&self) -> Result<(), QuiesceError> {
        self.table.quiesce()
    }

    /// Like [`quiesce`](Self::quiesce), but gives up after `timeout`; see
    /// [`HandleTable::quiesce_timeout`](crate::HandleTable::quiesce_timeout).
    ///
    /// # Example
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let table = handle_table::AnyTable::new();
    /// let handle = table.insert(String::from("gone at once"));
    /// table.remove(handle)?;
    /// table.quiesce_timeout(Duration::from_secs(60))?; // nothing is in the way
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`quiesce`](Self::quiesce), and [`QuiesceError::TimedOut`], which names the thread
    /// that has been in the way for the longest time.
    ///
    /// # Progress and cost
    ///
    /// Those of [`HandleTable::quiesce`](crate::HandleTable::quiesce), until the timeout.
    pub fn quiesce_timeout(&self, timeout: Duration) -> Result<(), QuiesceError> {
        self.table.quiesce_timeout(timeout)
    }
}
