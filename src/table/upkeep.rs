//! [`HandleTable`] as a whole: what goes over all its slots, to delete, drop or count.

use super::handle_table::HandleTable;
use crate::{error::QuiesceError, handle::Handle, inner::Inner, stats::Stats};

/// The table as a whole.
impl<T> HandleTable<T> {
    /// Deletes every handle for whose value `keep` says no.
    ///
    /// Weakly consistent, as [`Pinned::iter`](crate::Pinned::iter). The thread is pinned while `keep` runs, and repinned
    /// now and then. `keep` may use the table.
    pub fn retain(&self, mut adopt_batch: impl FnMut(Handle, &T) -> bool) {
        let Some(inner) = self.inner.get() else {
            return;
        };
        inner.for_each_live(|handle, value| {
            if !adopt_batch(handle, value) {
                // Another thread may have deleted it meanwhile, which is as good.
                let _ = inner.delete(handle);
            }
        });
    }

    /// Deletes every handle that is live when the call comes to it.
    pub fn clear(&self) {
        self.retain(|_, _| false);
    }

    /// Drops what can be dropped now: everything that any thread has deleted before the call, if
    /// no `Ref` or `Pinned` is held; else what was deleted before the oldest of those was made, as
    /// far as its grace period had begun.
    ///
    /// It yields some dozen times to readers that are only preempted, and doesn't wait for others;
    /// for drops that other threads are in the middle of, it does. From inside a value's `Drop` it
    /// does nothing. It takes time for every slot that was ever in use.
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

    /// Waits until every value that any thread has deleted before the call, idle and ended
    /// threads included, has been dropped.
    ///
    /// Blocks while other threads hold a `Ref` or `Pinned` from before, and while their drops run.
    ///
    /// # Errors
    ///
    /// [`QuiesceError`] where it would wait for itself: the calling thread holds a `Ref` or
    /// `Pinned`, or is inside a value's `Drop`, or is ending.
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
    pub fn quiesce(&self) -> Result<(), QuiesceError> {
        self.inner.get().map_or(Ok(()), Inner::quiesce)
    }

    /// How many handles are live. Each shard counts for itself; while other threads insert and
    /// delete, the sum is right to within what they do during the call.
    pub fn len(&self) -> usize {
        self.inner.get().map_or(0, Inner::len)
    }

    /// Whether no handle is live: [`len`](Self::len) is zero.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Counts what the table holds. It takes time for every slot that was ever in use.
    pub fn stats(&self) -> Stats {
        self.inner.get().map_or_else(Stats::default, Inner::stats)
    }
}
