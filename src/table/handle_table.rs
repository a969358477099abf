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
    report::ReportCounts,
    stats::Stats,
    sync::const_unless_loom,
};

/// A lock-free table of values of type `T`, each named by a [`Handle`] that C may keep.
///
/// All methods take `&self`. They may be called from any thread, from inside a value's `Drop`, and
/// while thread-locals are being destroyed (there `quiesce` returns an error, and `take` does while
/// any thread reads). A table is made by a `const fn`, so it can be a `static`, and takes no memory
/// before its first insert.
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
/// thread may drop it. Look-ups give `&T`. A value that is to change is an
/// [`Exclusive`](crate::Exclusive), of which [`call_mut`](Self::call_mut) and
/// [`get_mut`](Self::get_mut) give `&mut` to one caller at a time and an error to all others; or it
/// has atomics or a lock inside.
///
/// # When values are dropped
///
/// A delete makes the handle invalid at once. A thread that holds a [`Ref`] or [`Pinned`], of any
/// table, is a *reader*. All readers of that moment are *in the way* of the value's drop, since
/// they may be looking at it. A thread that begins to read after the delete is not.
///
/// - **No reader is in the way**: the value is dropped before the delete returns, on the thread
///   that deletes it.
/// - **Readers are in the way**, perhaps the deleting thread itself, as a callback that deletes its
///   own handle: the last of them drops the value, when it drops the last `Ref` or `Pinned` of its
///   thread, or calls [`repin`](Pinned::repin).
/// - **A value's `Drop` deletes another handle**: that value is dropped after this `Drop` has
///   returned, on the same thread, before the call that began it returns. A chain of a million
///   values that delete one another needs no more stack than one.
///
/// So no deleted value waits for a call that may never come. Three things are different:
///
/// - **Values with nothing to drop** (no destructor, up to 64 bytes, alignment up to 64) are
///   reclaimed 1,024 at a time, on 32-bit targets 256. Nothing but [`Stats`] shows that.
/// - **A table with a [`batch`](crate::Builder::batch)** drops that many values together, and then
///   it is for you to call [`flush`](Self::flush).
/// - **Readers without a record**: threads beyond the 1,024 that use tables at a time, look-ups in
///   the destructors of thread-locals, and look-ups [in signal handlers](Self::get_in_signal). All
///   of them count as one reader, and more than one call of them or of others may be needed before
///   a value that they were in the way of is dropped. A `flush` after they have ended drops it.
///
/// On a system without a process-wide memory barrier (see [the limits][scaling]) only costs differ.
///
/// # Where a `Drop` runs
///
/// In the call of a delete, at the end of a `Ref` or `Pinned`, in `repin`, `flush` and `quiesce`,
/// in an insert that finds the table full, and in the drop of a table. The value need not be of
/// that call's table, nor deleted by that thread:
///
/// - **Much at once.** Thousands of values may have waited for one reader. Its thread drops them in
///   pieces of 256. After a piece in which other threads have begun to help it stops, and the rest
///   is left to their calls: a delete drops up to 16 such values, the end of a `Ref` or `Pinned`
///   goes on in pieces of 256, `flush` and `quiesce` drop all.
/// - **Locks.** Do not delete under a lock that the `Drop` of a value takes, and do not end a `Ref`
///   or `Pinned` under one.
/// - **Slow drops** hold up only the call that they run in. Other threads drop what else there is.
///   A `Drop` may wait for another thread that deletes or flushes. It must not wait for what it has
///   deleted itself.
/// - **Certain threads.** A value that must be dropped on one certain thread should send itself to
///   it in its `Drop`.
/// - **Panics.** If a `Drop` panics, the panic hook reports that, and [`Stats::drop_panics`] counts
///   it; it can't surface in an unrelated call or unwind into C.
///
/// A table that is dropped drops all values in it. A table in a `static` is never dropped, nor are
/// the values that are live in it when the process ends.
///
/// [scaling]: crate::docs::scaling
// A cache line of its own, since every look-up reads it.
#[repr(align(64))]
pub struct HandleTable<T> {
    pub(super) inner: OnceInner<T>,
    limits: Limits,
    pub(super) reports: ReportCounts,
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
            Self { inner: OnceInner::new(), limits, reports: ReportCounts::new() }
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
    /// assert_eq!(table.get(forged).unwrap_err(), HandleError::Unknown { raw: 42 });
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
    /// Wait-free, but for the [drops](Self#where-a-drop-runs) that the end of the [`Ref`] may run.
    /// A look-up is two stores to a cache line that the thread alone writes, and some loads. It has
    /// neither a fence nor a read-modify-write, unless threads delete values with something to drop
    /// in a storm, or the system has no process-wide barrier: then it has two fences,
    /// and each 16,384th of a thread may make a system call, to end that. A thread's first use of
    /// any table registers it, which may allocate and make system calls. A thread beyond the 1,024
    /// that use tables at a time pins by crossbeam-epoch, and counts that on a line that all such
    /// threads share.
    ///
    /// # The cost of holding a `Ref` for long
    ///
    /// While a [`Ref`] exists, nothing that is deleted from any table can be dropped, and memory
    /// grows. A `Ref` that is leaked by [`std::mem::forget`] stops drops for good. (A program can
    /// ask for the threads that hold one: see [`readers`](crate::readers).) A callback that runs an
    /// event loop must not hold one meanwhile. Store an [`Arc`](std::sync::Arc) instead and take a
    /// clone out:
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
    pub fn get(&self, handle: Handle<T>) -> Result<Ref<'_, T>, HandleError> {
        // Slots never move, so the slot may be found ahead of the pin. Its cache line comes while
        // the thread pins, which takes as long as a line from the next cache.
        if let Some(found) = self.inner.find(handle.raw()) {
            found.prefetch();
            let guard = epoch::pin();
            if let Some(value) = found.read(&guard) {
                let value = NonNull::from(value);
                // SAFETY: the value lives while the guard is pinned, and the `Ref` keeps the guard.
                return Ok(unsafe { Ref::new(value, guard) });
            }
        }
        Err(self.inner.explain(handle.raw()))
    }

    /// Calls `f` with the value of `handle`, in a signal handler: a look-up that is
    /// async-signal-safe, as POSIX calls it.
    ///
    /// Elsewhere use [`get`](Self::get), which is faster, but may run `Drop`s when its `Ref` ends.
    /// This form counts the look-up in one word that all threads share, uses no thread-local,
    /// allocates and frees nothing, and runs no `Drop`: a value that is deleted meanwhile, by any
    /// thread, is dropped by a later call of any thread (a delete, the end of a `Ref` or `Pinned`,
    /// `flush`, `quiesce`).
    ///
    /// Conditions:
    ///
    /// - `f` is async-signal-safe itself. It calls nothing of this crate but
    ///   [`contains`](Self::contains), `get_in_signal`, what makes a [`Handle`] of an integer, and
    ///   [`Exclusive::try_borrow_mut`](crate::Exclusive::try_borrow_mut).
    /// - `f` returns or panics. A handler that leaves it by `siglongjmp` stops drops for good.
    ///
    /// All such look-ups count as one reader. While at each moment some thread is in one, nothing
    /// that is deleted is dropped, so they should be rare or short.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::{Handle, HandleTable};
    /// use std::sync::atomic::{AtomicUsize, Ordering};
    ///
    /// static COUNTS: HandleTable<AtomicUsize> = HandleTable::new();
    ///
    /// extern "C" fn on_signal(user_data: usize) {
    ///     let Ok(handle) = Handle::from_raw(user_data) else { return };
    ///     let _ = COUNTS.get_in_signal(handle, |count| count.fetch_add(1, Ordering::Relaxed));
    /// }
    ///
    /// let handle = COUNTS.insert(AtomicUsize::new(0));
    /// on_signal(handle.to_raw());
    /// assert_eq!(COUNTS.get(handle)?.load(Ordering::Relaxed), 1);
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get).
    ///
    /// # Panics
    ///
    /// If `f` panics.
    ///
    /// # Progress and cost
    ///
    /// Wait-free: two read-modify-writes and two fences.
    pub fn get_in_signal<R>(
        &self,
        handle: Handle<T>,
        f: impl FnOnce(&T) -> R,
    ) -> Result<R, HandleError> {
        let found = epoch::in_signal(|guard| self.inner.lookup().get(handle.raw(), guard).map(f));
        found.ok_or_else(|| self.inner.explain(handle.raw()))
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
    /// Those of [`get`](Self::get): the pin is most of it.
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
    pub fn cloned(&self, handle: Handle<T>) -> Result<T, HandleError>
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
    /// Wait-free, and needs no pin: some loads. Async-signal-safe.
    #[inline]
    pub fn contains(&self, handle: Handle<T>) -> bool {
        self.inner.find(handle.raw()).is_some_and(|found| found.is_valid())
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
        Stats {
            bad_handles: self.reports.bad_handles(),
            call_panics: self.reports.call_panics(),
            ..self.inner.stats(self.limits)
        }
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
