//! [`HandleTable`]: the type, and its look-ups.

use std::{
    fmt,
    panic::{RefUnwindSafe, UnwindSafe},
    ptr::NonNull,
};

use super::pinned::{Pinned, Ref};
use crate::{
    epoch,
    error::HandleError,
    handle::Handle,
    inner::{Inner, Limits, OnceInner},
    stats::Stats,
    sync::const_unless_loom,
};

/// A lock-free table of values of type `T`, each named by a [`Handle`] that C may keep.
///
/// All methods take `&self`. They may be called from any thread, from inside a value's `Drop`, and
/// while thread-locals are being destroyed (`quiesce` returns an error there). A table is made by a
/// `const fn`, so it can be a `static`, and takes no memory before its first insert.
///
/// # Example
///
/// ```
/// use handle_table::{HandleError, HandleTable};
///
/// static SESSIONS: HandleTable<String> = HandleTable::new();
///
/// let handle = SESSIONS.insert("alice".into());
/// assert_eq!(*SESSIONS.get(handle)?, "alice");
/// SESSIONS.remove(handle)?;
/// assert!(matches!(SESSIONS.get(handle), Err(HandleError::Deleted { .. })));
/// # Ok::<(), HandleError>(())
/// ```
///
/// # What a value must be
///
/// Inserts need `T: Send + Sync + 'static`. Several threads may read a value at once, and any
/// thread may drop it. Look-ups give `&T`; a value that is to change has atomics or a lock inside.
///
/// # When values are dropped
///
/// A delete makes the handle invalid at once. Its value is dropped later, when no thread that was
/// reading at the delete can see it any more. Later deletes on the same thread do that, in batches
/// of 256 (1,024 on 64-bit if `T` has no destructor, fewer if `T` is large). If no reader is
/// active, a value is dropped at the latest when its thread has deleted five further batches. If a
/// reader held batches up earlier, it is one more for every eight of those.
///
/// A thread that stops deleting leaves up to five batches behind, until a thread calls
/// [`flush`](Self::flush) or [`quiesce`](Self::quiesce), or the table is dropped.
/// [`remove_now`](Self::remove_now) does not wait for a batch. A table in a `static` is never
/// dropped, nor are the values that are live in it when the process ends.
///
/// A value is usually dropped on the thread that deleted it. There are three exceptions:
/// - values left by a thread that has ended are dropped by the next thread that takes over its
///   [shard](crate::Builder::shards);
/// - values deleted by threads without a shard are dropped by any of those threads;
/// - `flush`, `quiesce`, `remove_now` and the table's drop run on the calling thread, for values
///   that any thread has deleted.
///
/// A value that must be dropped on one certain thread should send itself to it in its `Drop`.
///
/// A value's `Drop` may use the table. If it panics, the panic hook reports that, and
/// [`Stats::drop_panics`] counts it; it can't surface in an unrelated call or unwind into C.
// A cache line of its own, since every look-up reads it.
#[repr(align(64))]
pub struct HandleTable<T> {
    pub(super) inner: OnceInner<T>,
    limits: Limits,
}

// `Send` and `Sync` follow from the fields, down to `OwnerHalf` in `shard/local.rs`:
// - `Sync` needs `T: Send + Sync`: through `&self`, inserts and removes move values between
//   threads, and look-ups share them.
// - `Send` needs `T: Send`: a table that is moved takes its values along.
// A panic in a closure or a `Drop` leaves no half-made state behind: see `insert_with`, and "When
// values are dropped".
impl<T> UnwindSafe for HandleTable<T> {}
impl<T> RefUnwindSafe for HandleTable<T> {}

impl<T> HandleTable<T> {
    const_unless_loom! {
        /// An empty table, with a number of shards that suits the machine.
        ///
        /// # Example
        ///
        /// ```
        /// use handle_table::HandleTable;
        ///
        /// static TABLE: HandleTable<u32> = HandleTable::new();
        /// assert!(TABLE.is_empty());
        /// ```
        pub const fn new() -> Self {
            Self::with_limits(Limits::DEFAULT)
        }
    }

    const_unless_loom! {
        pub(super) const fn with_limits(limits: Limits) -> Self {
            Self { inner: OnceInner::new(), limits }
        }
    }

    /// The table's `Inner`, made now if this is the first insert.
    #[inline(always)]
    pub(super) fn inner_or_make(&self) -> &Inner<T> {
        self.inner.get_or_make(|| Inner::new(self.limits))
    }

    /// The value of `handle`, kept alive while the [`Ref`] exists.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::{Handle, HandleError, HandleTable};
    ///
    /// let table = HandleTable::new();
    /// let handle = table.insert(String::from("value"));
    /// assert_eq!(table.get(handle)?.len(), 5);
    /// let forged = Handle::from_raw(42)?;
    /// assert_eq!(table.get(forged).unwrap_err(), HandleError::Unknown);
    /// # Ok::<(), HandleError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Any integer is safe to ask for. [`HandleError::Deleted`] if the handle was deleted,
    /// [`HandleError::Unknown`] if this table never issued it.
    ///
    /// # Progress and cost
    ///
    /// Wait-free, except for every 128th pin of a thread: then crossbeam-epoch may advance the
    /// epoch, which is lock-free. Otherwise writes to nothing that other threads write. A thread's
    /// first use of any table registers it, and the process's first use makes the collector, under
    /// a lock.
    ///
    /// # The cost of holding a `Ref` for long
    ///
    /// While a [`Ref`] exists, nothing that is deleted from any table can be dropped, and memory
    /// grows. A `Ref` that is leaked by [`std::mem::forget`] stops reclamation for good. A callback
    /// that runs an event loop must not hold one meanwhile. Store an [`Arc`](std::sync::Arc)
    /// instead and take a clone out:
    ///
    /// ```
    /// use handle_table::HandleTable;
    /// use std::sync::Arc;
    ///
    /// static WINDOWS: HandleTable<Arc<String>> = HandleTable::new();
    ///
    /// let handle = WINDOWS.insert(Arc::new("main".into()));
    /// let window: Arc<String> = WINDOWS.cloned(handle)?;
    /// // The event loop may run with `window` for hours: nothing is pinned.
    /// assert_eq!(*window, "main");
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    #[inline(always)]
    pub fn get(&self, handle: Handle) -> Result<Ref<'_, T>, HandleError> {
        // Slots never move, so the slot may be found ahead of the pin. Its cache line comes while
        // the thread pins, which takes as long as a line from the next cache.
        if let Some(found) = self.inner.find(handle) {
            found.prefetch();
            let guard = epoch::pin();
            if let Some(value) = found.read(&guard) {
                let value = NonNull::from(value);
                // SAFETY: the value lives while the guard is pinned, and the `Ref` keeps the guard.
                return Ok(unsafe { Ref::new(value, guard) });
            }
        }
        Err(self.inner.explain(handle))
    }

    /// Pins once for many look-ups, see [`Pinned`].
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::HandleTable;
    ///
    /// let table = HandleTable::new();
    /// let (one, two) = (table.insert(1), table.insert(2));
    /// let pinned = table.pin();
    /// assert_eq!(pinned.get(one)? + pinned.get(two)?, 3);
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    ///
    /// # Progress and cost
    ///
    /// Wait-free, except for every 128th time, as [`get`](Self::get).
    #[inline]
    pub fn pin(&self) -> Pinned<'_, T> {
        Pinned::new(&self.inner, epoch::pin())
    }

    /// A clone of the value of `handle`. Nothing stays pinned.
    ///
    /// # Example
    ///
    /// ```
    /// let table = handle_table::HandleTable::new();
    /// let handle = table.insert(String::from("value"));
    /// assert_eq!(table.cloned(handle)?, "value");
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get).
    ///
    /// # Panics
    ///
    /// If the value's `clone` panics.
    pub fn cloned(&self, handle: Handle) -> Result<T, HandleError>
    where
        T: Clone,
    {
        self.get(handle).map(|value| T::clone(&value))
    }

    /// Whether `handle` is valid at this moment.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::HandleTable;
    ///
    /// let table = HandleTable::new();
    /// let handle = table.insert(7);
    /// assert!(table.contains(handle));
    /// table.remove(handle)?;
    /// assert!(!table.contains(handle));
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    ///
    /// # Progress and cost
    ///
    /// Wait-free, and needs no pin.
    #[inline]
    pub fn contains(&self, handle: Handle) -> bool {
        self.inner.find(handle).is_some_and(|found| found.is_valid())
    }

    /// How many handles are valid. Each shard counts for itself; while other threads insert and
    /// delete, the sum is right to within what they do during the call.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::HandleTable;
    ///
    /// let table = HandleTable::new();
    /// table.insert(7);
    /// assert_eq!(table.len(), 1);
    /// ```
    pub fn len(&self) -> usize {
        self.inner.get().map_or(0, Inner::len)
    }

    /// Whether no handle is valid: [`len`](Self::len) is zero.
    ///
    /// # Example
    ///
    /// ```
    /// assert!(handle_table::HandleTable::<u32>::new().is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Counts what the table holds. Takes time for every slot that was ever in use.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::HandleTable;
    ///
    /// let table = HandleTable::new();
    /// table.insert(7);
    /// assert_eq!((table.stats().live, table.stats().pending), (1, 0));
    /// ```
    pub fn stats(&self) -> Stats {
        self.inner.get().map_or_else(Stats::default, Inner::stats)
    }
}

impl<T> Default for HandleTable<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for HandleTable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandleTable").field("len", &self.len()).finish_non_exhaustive()
    }
}
