//! [`OnceTable`]: the takes.

use super::table::OnceTable;
use crate::{error::HandleError, handle::Handle};

/// The takes.
impl<T> OnceTable<T> {
    /// Takes the value of `handle` out of the table. The handle is invalid from here on, for ever.
    ///
    /// Of all takes and removes of one handle, by any threads, one gets the value. What the thread
    /// that inserted it did before happens before the return of this take; what the caller did
    /// before the take happens before anything that a thread does after it got
    /// [`HandleError::Deleted`] for this handle.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::{HandleError, OnceTable};
    /// use std::{sync::Arc, task::{Wake, Waker}, thread};
    ///
    /// static WAKERS: OnceTable<Waker> = OnceTable::new();
    ///
    /// struct Task;
    /// impl Wake for Task {
    ///     fn wake(self: Arc<Self>) {}
    /// }
    ///
    /// let handle = WAKERS.insert(Waker::from(Arc::new(Task)));
    /// // Whoever comes first wakes the task.
    /// let there = thread::spawn(move || WAKERS.take(handle).map(Waker::wake));
    /// let here = WAKERS.take(handle).map(Waker::wake);
    /// let there = there.join().unwrap();
    /// assert!(here.is_ok() != there.is_ok());
    /// assert!(matches!(here.and(there), Err(HandleError::Deleted { .. })));
    /// ```
    ///
    /// # Errors
    ///
    /// Any integer is safe to ask for. [`HandleError::Deleted`] if the value was taken or removed
    /// before, [`HandleError::Unknown`] if this table never issued the handle,
    /// [`HandleError::NotYet`] if [`insert_with`](Self::insert_with) is still making the value.
    ///
    /// # Progress and cost
    ///
    /// Lock-free: a look-up, one compare-exchange on the slot, and plain stores to what the calling
    /// thread owns. It looks at no reader, pins nothing and waits for nothing. A slot that another
    /// thread has inserted to goes back to that thread's shard by one compare-exchange more, and
    /// the first take of a thread registers it. A value larger than 64 bytes is moved out of its
    /// box, whose memory is freed.
    #[inline(always)]
    pub fn take(&self, handle: Handle<T>) -> Result<T, HandleError> {
        match self.inner.get().and_then(|inner| inner.unlink_once(handle.raw())) {
            Some(unlinked) => Ok(unlinked.take()),
            None => Err(self.inner.explain(handle.raw())),
        }
    }

    /// Deletes `handle` and drops its value: before this returns, on this thread.
    ///
    /// A `Drop` that panics goes no further, see [when values are
    /// dropped](Self#when-values-are-dropped).
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::{HandleError, OnceTable};
    /// use std::sync::mpsc;
    ///
    /// let table = OnceTable::new();
    /// let (sender, receiver) = mpsc::channel::<u32>();
    /// let handle = table.insert(sender);
    /// table.remove(handle)?;
    /// assert!(receiver.recv().is_err()); // hung up
    /// assert!(matches!(table.remove(handle), Err(HandleError::Deleted { .. })));
    /// # Ok::<(), HandleError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`take`](Self::take).
    ///
    /// # Progress and cost
    ///
    /// Those of [`take`](Self::take), and of the value's `Drop`, which is run where the value lies.
    pub fn remove(&self, handle: Handle<T>) -> Result<(), HandleError> {
        let unlinked = self.inner.get().and_then(|inner| inner.unlink_once(handle.raw()));
        let unlinked = unlinked.ok_or_else(|| self.inner.explain(handle.raw()))?;
        unlinked.drop_value();
        Ok(())
    }
}
