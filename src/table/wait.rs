//! [`HandleTable`]: deletes that wait for the readers in the way.

use std::time::Duration;

use super::handle_table::HandleTable;
use crate::{
    error::{HandleError, WaitError},
    handle::Handle,
    inner::Inner,
    sync::Deadline,
};

/// Unregister, and know that it is over.
impl<T> HandleTable<T> {
    /// Deletes `handle`, and returns when no thread uses its value any more and the value is
    /// dropped. Call it before you unload a library, free a buffer, or end a test.
    ///
    /// Blocks while other threads hold a [`Ref`](crate::Ref) or [`Pinned`](crate::Pinned), of any
    /// table, from before the delete, as their callbacks do, and while another thread is in the
    /// middle of the value's `Drop`. Callbacks that begin after the delete find the handle deleted,
    /// and are not waited for. Do not call it under a lock that a callback takes.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::HandleTable;
    /// use std::sync::Arc;
    ///
    /// static CALLBACKS: HandleTable<Arc<String>> = HandleTable::new();
    ///
    /// let state = Arc::new(String::from("state"));
    /// let handle = CALLBACKS.insert(Arc::clone(&state));
    /// std::thread::spawn(move || CALLBACKS.call(handle.to_ptr(), |state| state.len()));
    /// CALLBACKS.remove_wait(handle)?;
    /// assert_eq!(Arc::strong_count(&state), 1); // the callback is over, or will not begin
    /// # Ok::<(), handle_table::WaitError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The handle is invalid afterwards, whatever is returned.
    ///
    /// - [`WaitError::WouldDeadlock`] if it would wait for the calling thread itself: from inside a
    ///   callback or a value's `Drop`, or while the thread holds a `Ref` or `Pinned`. The value is
    ///   dropped by the last reader.
    /// - [`WaitError::Handle`] with the error of [`remove`](Self::remove): there was nothing to
    ///   delete, and nothing was waited for.
    ///
    /// # Progress and cost
    ///
    /// With no reader in the way, those of [`remove`](Self::remove). Else it yields 64 times, and
    /// then sleeps between its looks, for up to 1.3 ms. Meanwhile it drops what else waits.
    #[doc(alias = "unregister")]
    #[doc(alias = "synchronize")]
    pub fn remove_wait(&self, handle: Handle<T>) -> Result<(), WaitError> {
        self.inner_or_unknown(handle)?.remove_wait(handle.raw(), Deadline::Never)
    }

    /// Like [`remove_wait`](Self::remove_wait), but gives up waiting after `timeout`.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::{HandleTable, WaitError};
    /// use std::{sync::mpsc, thread, time::Duration};
    ///
    /// static TABLE: HandleTable<String> = HandleTable::new();
    ///
    /// let handle = TABLE.insert("value".into());
    /// let (begin, begun) = mpsc::channel();
    /// let (end, ended) = mpsc::channel::<()>();
    /// let callback = thread::spawn(move || {
    ///     TABLE.call(handle.to_ptr(), |_| {
    ///         begin.send(()).unwrap();
    ///         ended.recv().unwrap();
    ///     })
    /// });
    /// begun.recv()?;
    /// let waited = TABLE.remove_wait_timeout(handle, Duration::from_millis(1));
    /// assert_eq!(waited, Err(WaitError::TimedOut));
    /// assert!(!TABLE.contains(handle)); // deleted; the callback's end drops the value
    /// end.send(())?;
    /// callback.join().unwrap()?;
    /// assert_eq!(TABLE.stats().pending, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`remove_wait`](Self::remove_wait), and [`WaitError::TimedOut`]: the last reader
    /// drops the value. [`readers`](crate::readers) tells which threads are in the way. Where there
    /// is no clock, and so one thread (`wasm32-unknown-unknown`), the time is over at once.
    pub fn remove_wait_timeout(
        &self,
        handle: Handle<T>,
        timeout: Duration,
    ) -> Result<(), WaitError> {
        self.inner_or_unknown(handle)?.remove_wait(handle.raw(), Deadline::after(timeout))
    }

    /// Deletes `handle`, waits until no thread uses its value any more, and gives the value.
    ///
    /// Blocks as [`remove_wait`](Self::remove_wait) does. The handle is invalid from the moment the
    /// wait begins. For values that are only ever taken, an [`OnceTable`](crate::OnceTable) needs
    /// no wait.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::HandleTable;
    ///
    /// let table = HandleTable::new();
    /// let handle = table.insert(String::from("value"));
    /// let value: String = table.take(handle)?;
    /// assert_eq!(value, "value");
    /// assert!(table.is_empty());
    /// # Ok::<(), handle_table::WaitError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// - [`WaitError::WouldDeadlock`] where [`remove_wait`](Self::remove_wait) returns that; but
    ///   the handle stays valid, and the value in its place.
    /// - [`WaitError::Handle`] with the error of [`remove`](Self::remove).
    ///
    /// # Progress and cost
    ///
    /// Those of [`remove_wait`](Self::remove_wait).
    #[doc(alias = "into_inner")]
    pub fn take(&self, handle: Handle<T>) -> Result<T, WaitError> {
        self.inner_or_unknown(handle)?.take_wait(handle.raw())
    }

    fn inner_or_unknown(&self, handle: Handle<T>) -> Result<&Inner<T>, HandleError> {
        self.inner.get().ok_or_else(|| self.inner.explain(handle.raw()))
    }
}
