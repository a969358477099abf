//! [`HandleTable`]: what deletes handles, and what drops their values.

use std::ptr::NonNull;

use super::{handle_table::HandleTable, pinned::Ref};
use crate::{
    epoch,
    error::{HandleError, QuiesceError},
    handle::Handle,
    inner::Inner,
};

/// Deletes, and the drops of deleted values.
impl<T> HandleTable<T> {
    /// Deletes `handle`: it is invalid from here on, for ever. Its value is dropped
    /// [a little later](Self#when-values-are-dropped).
    ///
    /// What the caller did before the call happens before anything that a thread does after it got
    /// [`HandleError::Deleted`] for this handle.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::{HandleError, HandleTable};
    ///
    /// let table = HandleTable::new();
    /// let handle = table.insert(7);
    /// table.remove(handle)?;
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
    /// Lock-free, but for the `Drop`s that it runs: one compare-exchange on the slot, and plain
    /// stores to what the calling thread owns. Do not call it under a lock that a value's `Drop`
    /// takes. Each 256th delete of a thread also seals a batch (each 1,024th if `T` has no
    /// destructor, sooner for large values). Once four batches wait, it reclaims the batches whose
    /// grace period is over, and tries to advance the epoch for the others. If more than eight full
    /// batches wait for readers then, it yields the processor once, so that a preempted reader can
    /// run.
    #[inline(always)]
    pub fn remove(&self, handle: Handle) -> Result<(), HandleError> {
        match self.inner.get().and_then(|inner| inner.delete(handle)) {
            Some(_) => Ok(()),
            None => Err(self.inner.explain(handle)),
        }
    }

    /// Deletes `handle`, and gives a last look at its value.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::HandleTable;
    ///
    /// let table = HandleTable::new();
    /// let handle = table.insert(7);
    /// assert_eq!(*table.remove_ref(handle)?, 7);
    /// assert!(!table.contains(handle));
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`remove`](Self::remove).
    pub fn remove_ref(&self, handle: Handle) -> Result<Ref<'_, T>, HandleError> {
        let guard = epoch::pin();
        let deleted = self.inner.get().and_then(|inner| inner.delete(handle));
        let (slot, _) = deleted.ok_or_else(|| self.inner.explain(handle))?;
        // SAFETY: `delete` unlinked the slot after `guard` was pinned.
        let value = NonNull::from(unsafe { slot.value_ref(&guard) });
        // SAFETY: the value lives while the guard is pinned, and the `Ref` keeps the guard.
        Ok(unsafe { Ref::new(value, guard) })
    }

    /// Deletes `handle`, and drops its value before it returns if no reader is in the way. `Ok`
    /// says that the handle was deleted; it does not say that the value was dropped.
    ///
    /// A reader is in the way if any thread holds a [`Ref`] or [`Pinned`](crate::Pinned), of any
    /// table. A thread that is preempted in the middle of a call to a table counts as one, too:
    /// this yields to it up to 64 times, and then gives up. With a reader in the way, or if the
    /// call comes from a value's `Drop`, the value is dropped later, as by
    /// [`remove`](Self::remove). For a guarantee, call [`quiesce`](Self::quiesce) afterwards.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::HandleTable;
    /// use std::sync::Arc;
    ///
    /// let table = HandleTable::new();
    /// let resource = Arc::new(());
    /// let handle = table.insert(Arc::clone(&resource));
    /// table.remove_now(handle)?;
    /// assert_eq!(Arc::strong_count(&resource), 1);
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`remove`](Self::remove).
    ///
    /// # Progress and cost
    ///
    /// The delete is lock-free; the drop waits for drops that other threads are in the middle of.
    /// It costs some microseconds: right for files and sockets, not for a storm of callbacks.
    pub fn remove_now(&self, handle: Handle) -> Result<(), HandleError> {
        let deleted = self.inner.get().and_then(|inner| inner.delete_now(handle));
        deleted.ok_or_else(|| self.inner.explain(handle))
    }

    /// Deletes every handle for whose value `keep` returns `false`.
    ///
    /// Weakly consistent, as [`Pinned::iter`](crate::Pinned::iter) is. The thread is pinned while
    /// `keep` runs, and repinned now and then. `keep` may use the table.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::HandleTable;
    ///
    /// let table = HandleTable::new();
    /// let handles: Vec<_> = (0..4).map(|number| table.insert(number)).collect();
    /// table.retain(|_, number| number % 2 == 0);
    /// assert_eq!(table.len(), 2);
    /// assert!(table.contains(handles[2]) && !table.contains(handles[3]));
    /// ```
    pub fn retain(&self, mut keep: impl FnMut(Handle, &T) -> bool) {
        let Some(inner) = self.inner.get() else { return };
        inner.for_each_live(|handle, value| {
            if !keep(handle, value) {
                // Another thread may have deleted it meanwhile, which serves as well.
                let _ = inner.delete(handle);
            }
        });
    }

    /// Deletes every handle that is live when the call reaches it.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::HandleTable;
    ///
    /// let table = HandleTable::new();
    /// table.insert(1);
    /// table.clear();
    /// assert!(table.is_empty());
    /// ```
    pub fn clear(&self) {
        self.retain(|_, _| false);
    }

    /// Drops what can be dropped now.
    ///
    /// If no [`Ref`] or [`Pinned`](crate::Pinned) is held, that is everything that any thread has
    /// deleted before the call. Otherwise it is only what was deleted before the oldest of those
    /// was made, and not necessarily all of it. In a value's `Drop` this does nothing.
    ///
    /// It yields up to 64 times to readers that are merely preempted, and does not wait for
    /// others. It waits for drops that other threads are in the middle of, and takes time for every
    /// slot that was ever in use.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::HandleTable;
    ///
    /// let table = HandleTable::new();
    /// let handle = table.insert(String::from("gone soon"));
    /// table.remove(handle)?;
    /// table.flush();
    /// assert_eq!(table.stats().pending, 0);
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    pub fn flush(&self) {
        if let Some(inner) = self.inner.get() {
            inner.flush();
        }
    }

    /// Waits until every value that was deleted before the call has been dropped, by whichever
    /// thread it was deleted, idle and ended threads included.
    ///
    /// Blocks while other threads hold a [`Ref`] or [`Pinned`](crate::Pinned) from before, and
    /// while other threads drop values.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::{HandleTable, QuiesceError};
    ///
    /// let table = HandleTable::new();
    /// let handle = table.insert(7);
    /// let value = table.remove_ref(handle)?;
    /// assert_eq!(table.quiesce(), Err(QuiesceError::Pinned));
    /// drop(value);
    /// table.quiesce()?;
    /// assert_eq!(table.stats().pending, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`QuiesceError`] where it would wait for itself: the calling thread holds a [`Ref`] or
    /// [`Pinned`](crate::Pinned), or is inside a value's `Drop`, or is ending.
    pub fn quiesce(&self) -> Result<(), QuiesceError> {
        self.inner.get().map_or(Ok(()), Inner::quiesce)
    }
}
