//! [`HandleTable`]: what deletes handles, and what drops their values.

use std::{ptr::NonNull, time::Duration};

use super::{handle_table::HandleTable, pinned::Ref};
use crate::{
    epoch,
    error::{HandleError, QuiesceError},
    handle::Handle,
    inner::Inner,
    sync::Deadline,
};

/// Deletes, and the drops of deleted values.
impl<T> HandleTable<T> {
    /// Deletes `handle`: it is invalid from here on, for ever. Its value is dropped before this
    /// returns, unless a thread holds a [`Ref`] or [`Pinned`](crate::Pinned), the caller included:
    /// then [the last of these drops it](Self#when-values-are-dropped).
    ///
    /// What the caller did before the call happens before anything that a thread does after it got
    /// [`HandleError::Deleted`] for this handle.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::{HandleError, HandleTable};
    /// use std::sync::Arc;
    ///
    /// let table = HandleTable::new();
    /// let resource = Arc::new(7);
    /// let handle = table.insert(Arc::clone(&resource));
    /// table.remove(handle)?;
    /// assert_eq!(Arc::strong_count(&resource), 1); // dropped
    /// assert!(matches!(table.remove(handle), Err(HandleError::Deleted { .. })));
    /// # Ok::<(), HandleError>(())
    /// ```
    ///
    /// A handle that is deleted while its value is in use, as by a callback that deletes itself:
    ///
    /// ```
    /// use handle_table::HandleTable;
    /// use std::sync::Arc;
    ///
    /// let table = HandleTable::new();
    /// let resource = Arc::new(7);
    /// let handle = table.insert(Arc::clone(&resource));
    /// let value = table.get(handle)?;
    /// table.remove(handle)?;
    /// assert_eq!((**value, Arc::strong_count(&resource)), (7, 2));
    /// drop(value);
    /// assert_eq!(Arc::strong_count(&resource), 1);
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`HandleError::Deleted`] if it was deleted before, [`HandleError::Unknown`] if this table
    /// never issued it. Of several threads that delete the same handle, one succeeds.
    ///
    /// # Progress and cost
    ///
    /// Lock-free, but for the `Drop`s that it runs (see [where a `Drop`
    /// runs](Self#where-a-drop-runs)) and for the allocator. One compare-exchange on the slot, and
    /// plain stores to what the calling thread owns.
    ///
    /// - **A value with something to drop**: a fence, and a look at one cache line for each lease
    ///   that was ever used. (A thread takes a lease at its first use of any table, and returns it
    ///   when it ends, for the next thread; there are 1,024.) If other threads have a lease, also a
    ///   system call that makes all running threads of the process pass a fence; but where such
    ///   barriers take more than a quarter of the time, readers fence instead. If a reader is in
    ///   the way, the delete allocates a few words. Up to 16 values that other threads have left
    ///   are dropped, too.
    /// - **A value with nothing to drop**: each 1,024th delete of a thread (on 32-bit targets, each
    ///   256th) seals a batch. Once four batches wait, it reclaims those whose grace period is
    ///   over, and tries to end one for the others. If more than eight wait for readers then, it
    ///   yields the processor once, so that a preempted reader can run.
    #[inline(always)]
    pub fn remove(&self, handle: Handle<T>) -> Result<(), HandleError> {
        match self.inner.get().and_then(|inner| inner.delete(handle.raw())) {
            Some(_) => Ok(()),
            None => Err(self.inner.explain(handle.raw())),
        }
    }

    /// Deletes `handle`, and gives a last look at its value. The end of the [`Ref`] drops the
    /// value, if no other thread is in the way.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::HandleTable;
    ///
    /// let table = HandleTable::new();
    /// let handle = table.insert(String::from("value"));
    /// let value = table.remove_ref(handle)?;
    /// assert!(!table.contains(handle));
    /// assert_eq!(*value, "value");
    /// assert_eq!(table.stats().pending, 1);
    /// drop(value);
    /// assert_eq!(table.stats().pending, 0);
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`remove`](Self::remove).
    ///
    /// # Progress and cost
    ///
    /// Those of [`remove`](Self::remove) with a reader in the way, and of a look-up.
    pub fn remove_ref(&self, handle: Handle<T>) -> Result<Ref<'_, T>, HandleError> {
        let guard = epoch::pin();
        let deleted = self.inner.get().and_then(|inner| inner.delete(handle.raw()));
        let slot = deleted.ok_or_else(|| self.inner.explain(handle.raw()))?;
        // SAFETY: `delete` unlinked the slot after `guard` was pinned.
        let value = NonNull::from(unsafe { slot.value_ref(&guard) });
        // SAFETY: the value lives while the guard is pinned, and the `Ref` keeps the guard.
        Ok(unsafe { Ref::new(value, guard) })
    }

    /// Deletes `handle` without a [batch](crate::Builder::batch), and says whether its value was
    /// dropped: `false` if it still was in use, by any thread, the caller included.
    ///
    /// It drops values as [`remove`](Self::remove) does. After `Ok(false)` a reader is in the way,
    /// and the last one drops the value; or the call came from a value's `Drop`, and that drop is
    /// to end first. [`quiesce`](Self::quiesce) waits for it. For a value with nothing to drop,
    /// `true` says that no thread could see it any more.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::HandleTable;
    ///
    /// let table = HandleTable::new();
    /// let (one, two) = (table.insert(String::from("one")), table.insert(String::from("two")));
    /// assert_eq!(table.remove_now(one), Ok(true));
    /// let value = table.get(two)?;
    /// assert_eq!(table.remove_now(two), Ok(false)); // `value` is in the way
    /// drop(value); // drops the string
    /// assert_eq!(table.stats().pending, 0);
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
    pub fn remove_now(&self, handle: Handle<T>) -> Result<bool, HandleError> {
        let deleted = self.inner.get().and_then(|inner| inner.delete_now(handle.raw()));
        deleted.ok_or_else(|| self.inner.explain(handle.raw()))
    }

    /// Deletes every handle for whose value `keep` returns `false`. Returns how many it has
    /// deleted.
    ///
    /// The values are dropped together, after `keep` has seen all others: before `retain` returns,
    /// if no reader is in the way; also in a table with a [batch](crate::Builder::batch), and also
    /// if `keep` panics.
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
    /// assert_eq!(table.retain(|_, number| number % 2 == 0), 2);
    /// assert!(table.contains(handles[2]) && !table.contains(handles[3]));
    /// ```
    ///
    /// # Panics
    ///
    /// If `keep` panics. What it had refused by then is deleted.
    ///
    /// # Progress and cost
    ///
    /// Lock-free, but for `keep`, the `Drop`s that it runs, and the allocator. Takes time for every
    /// slot that was ever in use.
    pub fn retain(&self, mut keep: impl FnMut(Handle<T>, &T) -> bool) -> usize {
        let keep = |handle, value: &T| keep(Handle::of(handle), value);
        self.inner.get().map_or(0, |inner| inner.retain(keep))
    }

    /// Deletes every handle that is live when the call reaches it, as [`retain`](Self::retain)
    /// does. Returns how many it has deleted.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::HandleTable;
    ///
    /// let table = HandleTable::new();
    /// table.insert(1);
    /// assert_eq!(table.clear(), 1);
    /// assert!(table.is_empty());
    /// ```
    ///
    /// # Progress and cost
    ///
    /// Those of [`retain`](Self::retain).
    pub fn clear(&self) -> usize {
        self.retain(|_, _| false)
    }

    /// Drops what waits and can be dropped now. Returns how many values of this table it has
    /// dropped.
    ///
    /// After a delete there is nothing to flush, as a rule: the value is dropped already, or a
    /// reader is in the way, which a flush can't change. `flush` is for the rest:
    ///
    /// - a table with a [batch](crate::Builder::batch): what all threads have collected;
    /// - what a reader has left to others' calls, and what [readers without a
    ///   record](Self#when-values-are-dropped) have been in the way of, in any table;
    /// - values with nothing to drop: the open batch of the calling thread, and all batches whose
    ///   grace period is over.
    ///
    /// It does not wait for readers, nor for a `Drop` that another thread is in the middle of. (For
    /// values with nothing to drop it yields up to 64 times to readers that are merely preempted.)
    /// Inside a value's `Drop` it does nothing, and returns 0.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::HandleTable;
    ///
    /// let table = HandleTable::builder().batch(256).build();
    /// let handle = table.insert(String::from("gone soon"));
    /// table.remove(handle)?;
    /// assert_eq!(table.stats().pending, 1);
    /// assert_eq!(table.flush(), 1);
    /// assert_eq!(table.stats().pending, 0);
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    ///
    /// # Progress and cost
    ///
    /// Lock-free, but for the `Drop`s that it runs. Takes time for every shard, and for what it
    /// drops.
    pub fn flush(&self) -> usize {
        self.inner.get().map_or(0, Inner::flush)
    }

    /// Waits until every value that was deleted before the call has been dropped, by whichever
    /// thread it was deleted.
    ///
    /// Blocks while other threads hold a [`Ref`] or [`Pinned`](crate::Pinned) from before, and
    /// while they are in the middle of a `Drop` of such a value. Meanwhile it drops what it can
    /// itself. [`readers`](crate::readers) tells which threads hold it up.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::{HandleTable, QuiesceError};
    ///
    /// let table = HandleTable::new();
    /// let handle = table.insert(String::from("value"));
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
    /// [`Pinned`](crate::Pinned), or is inside a value's `Drop`, or is ending. (Not for a table
    /// that was never used, which has nothing to wait for.)
    ///
    /// # Progress and cost
    ///
    /// Waits for other threads, as said: it yields 64 times, and then sleeps between its looks, for
    /// up to 1.3 ms. Takes time for every slot that was ever in use.
    pub fn quiesce(&self) -> Result<(), QuiesceError> {
        self.inner.get().map_or(Ok(()), |inner| inner.quiesce(Deadline::Never))
    }

    /// Like [`quiesce`](Self::quiesce), but gives up after `timeout`. If only readers are in the
    /// way, they drop the values later.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::{HandleTable, QuiesceError};
    /// use std::{sync::mpsc, thread, time::Duration};
    ///
    /// static TABLE: HandleTable<String> = HandleTable::new();
    ///
    /// let handle = TABLE.insert("value".into());
    /// let (end, ended) = mpsc::channel();
    /// let (begin, begun) = mpsc::channel();
    /// let reader = thread::Builder::new().name("reader".into()).spawn(move || {
    ///     let _value = TABLE.get(handle);
    ///     begin.send(()).unwrap();
    ///     ended.recv().unwrap();
    /// })?;
    /// begun.recv()?;
    /// TABLE.remove(handle)?;
    /// match TABLE.quiesce_timeout(Duration::from_millis(1)) {
    ///     Err(QuiesceError::TimedOut { reader: Some(reader) }) => {
    ///         assert_eq!(reader.name(), Some("reader"));
    ///     }
    ///     other => panic!("{other:?}"),
    /// }
    /// end.send(())?;
    /// TABLE.quiesce()?;
    /// # reader.join().unwrap();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`quiesce`](Self::quiesce), and [`QuiesceError::TimedOut`], which names the thread
    /// that has been in the way for the longest time. Where there is no clock, and so one thread
    /// (`wasm32-unknown-unknown`), the time is over at once.
    pub fn quiesce_timeout(&self, timeout: Duration) -> Result<(), QuiesceError> {
        self.inner.get().map_or(Ok(()), |inner| inner.quiesce(Deadline::after(timeout)))
    }
}
