//! [`OnceTable`]: the type, its settings and its counts.

use std::{
    fmt,
    panic::{RefUnwindSafe, UnwindSafe},
};

use crate::{
    handle::Handle,
    inner::{Inner, Limits, OnceInner, OnceValue},
    report::ReportCounts,
    stats::Stats,
    sync::const_unless_loom,
    table::Builder,
};

/// A lock-free table of values that are taken once and never looked at, each named by a [`Handle`]
/// that C may keep: for one-shot callbacks.
///
/// C gets a word, and gives it back when the thing has happened: from any thread, too late, twice,
/// or never. The first [`take`](Self::take) gets the value itself, and not a reference to it. All
/// others get an error, over all threads and for ever. So a value may be a boxed `FnOnce`, a
/// [`Waker`](std::task::Waker), the sender of a channel: what is used up when it is used.
///
/// All methods take `&self`. They may be called from any thread, from inside a value's `Drop`, and
/// while thread-locals are being destroyed. A table is made by a `const fn`, so it can be a
/// `static`, and takes no memory before its first insert.
///
/// # Example
///
/// ```
/// use handle_table::{HandleError, OnceTable};
/// use std::ffi::c_void;
///
/// type Done = Box<dyn FnOnce(i32) + Send>;
/// static DONE: OnceTable<Done> = OnceTable::new();
///
/// /// C calls this once for each request, when it has a result.
/// extern "C" fn on_done(result: i32, user_data: *mut c_void) {
///     let _ = DONE.call_once(user_data, |done| done(result));
/// }
///
/// let (send, receive) = std::sync::mpsc::channel();
/// let handle = DONE.insert(Box::new(move |result| send.send(result).unwrap()));
/// on_done(7, handle.to_ptr());
/// assert_eq!(receive.recv(), Ok(7));
/// on_done(7, handle.to_ptr()); // twice: an error, and a report
/// assert!(matches!(DONE.take(handle), Err(HandleError::Deleted { .. })));
/// ```
///
/// # What a value must be
///
/// Inserts need `T: Send + 'static`, and not `Sync`: since nobody gets a reference to a value in
/// the table, a [`Cell`](std::cell::Cell) or the receiver of a channel will do.
///
/// # When values are dropped
///
/// A value that is taken is the caller's. [`remove`](Self::remove) drops it before it returns, on
/// the thread that calls it, as does the rest of a [`drain`](Self::drain). Nothing is dropped
/// later: there are no readers that could be in the way, so a [`Ref`](crate::Ref) of another table
/// holds nothing up here.
///
/// - **A value's `Drop` removes another value**: that one is dropped at once, inside of the first
///   `Drop`, as with boxes. A chain of a million values that remove one another needs a stack as
///   deep as that.
/// - **A `Drop` that panics**, in `remove` and where the table drops, goes no further: it is
///   [reported](crate::set_report_hook), and [`Stats::drop_panics`] counts it.
/// - **A table that is dropped** drops all values in it. A table in a `static` is never dropped,
///   nor are the values in it.
///
/// # Where the value lies
///
/// A value of up to 64 bytes, and of an alignment up to 64, lies in its slot, so that an insert
/// allocates nothing. A larger one lies in a box of its own.
#[doc(alias = "FnOnce")]
#[doc(alias = "one-shot")]
#[doc(alias = "oneshot")]
#[doc(alias = "waker")]
// A cache line of its own, since every take reads it.
#[repr(align(64))]
pub struct OnceTable<T> {
    pub(super) inner: OnceInner<OnceValue<T>>,
    limits: Limits,
    pub(super) reports: ReportCounts,
}

// `Send` and `Sync` follow from the fields, down to `OwnerHalf` in `shard/local.rs` and `OnceValue`
// in `inner/take.rs`:
// - `Sync` needs `T: Send`: through `&self`, inserts and takes move values between threads. It does
//   not need `T: Sync`: no method gives a reference to a value, whatever the thread.
// - `Send` needs `T: Send`: a table that is moved takes its values along.
// A panic in a closure or a `Drop` leaves no half-made state behind: see `insert_with`, and "When
// values are dropped".
impl<T> UnwindSafe for OnceTable<T> {}
impl<T> RefUnwindSafe for OnceTable<T> {}

impl<T> OnceTable<T> {
    const_unless_loom! {
        /// An empty table, with a number of shards that suits the machine.
        ///
        /// # Example
        ///
        /// ```
        /// use handle_table::OnceTable;
        ///
        /// static TABLE: OnceTable<u32> = OnceTable::new();
        /// assert!(TABLE.is_empty());
        /// ```
        pub const fn new() -> Self {
            Self::with_limits(Limits::DEFAULT)
        }
    }

    const_unless_loom! {
        const fn with_limits(limits: Limits) -> Self {
            Self { inner: OnceInner::new(), limits, reports: ReportCounts::new() }
        }
    }

    /// Begins an empty table that is told its number of shards or its largest number of handles.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::OnceTable;
    ///
    /// static ONE: OnceTable<&str> = OnceTable::builder().max_handles(1).build();
    ///
    /// let handle = ONE.insert("value");
    /// assert_eq!(ONE.try_insert("another").unwrap_err().into_inner(), "another");
    /// ONE.take(handle)?;
    /// assert!(ONE.try_insert("another").is_ok());
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    pub const fn builder() -> Builder<Self> {
        Builder::new()
    }

    /// The table's `Inner`, made now if this is the first insert.
    #[inline(always)]
    pub(super) fn inner_or_make(&self) -> &Inner<OnceValue<T>> {
        self.inner.get_or_make(|| Inner::new_once(self.limits))
    }

    /// Whether `handle` is valid at this moment. Another thread may take its value right after.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::OnceTable;
    ///
    /// let table = OnceTable::new();
    /// let handle = table.insert(7);
    /// assert!(table.contains(handle));
    /// table.take(handle)?;
    /// assert!(!table.contains(handle));
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    ///
    /// # Progress and cost
    ///
    /// Wait-free: some loads. Async-signal-safe.
    #[inline]
    pub fn contains(&self, handle: Handle<T>) -> bool {
        self.inner.find(handle.raw()).is_some_and(|found| found.is_valid())
    }

    /// How many handles are valid. Each shard counts for itself; while other threads insert and
    /// take, the sum is right to within what they do during the call.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::OnceTable;
    ///
    /// let table = OnceTable::new();
    /// let _handle = table.insert(7);
    /// assert_eq!(table.len(), 1);
    /// ```
    ///
    /// # Progress and cost
    ///
    /// Wait-free: some loads for each shard.
    pub fn len(&self) -> usize {
        self.inner.get().map_or(0, Inner::len)
    }

    /// Whether no handle is valid: [`len`](Self::len) is zero.
    ///
    /// # Example
    ///
    /// ```
    /// assert!(handle_table::OnceTable::<u32>::new().is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Counts what the table holds. Takes time for every slot that was ever in use.
    ///
    /// [`Stats::pending`] counts the values that some thread is in the middle of taking or removing
    /// at that moment: it is zero if no call is running.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::OnceTable;
    ///
    /// let table = OnceTable::new();
    /// let handle = table.insert(7);
    /// assert_eq!((table.stats().live, table.stats().pending), (1, 0));
    /// table.take(handle)?;
    /// assert_eq!((table.stats().live, table.stats().pending), (0, 0));
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    pub fn stats(&self) -> Stats {
        Stats {
            bad_handles: self.reports.bad_handles(),
            call_panics: self.reports.call_panics(),
            ..self.inner.stats(self.limits)
        }
    }
}

impl<T> Builder<OnceTable<T>> {
    const_unless_loom! {
        /// The table, empty.
        ///
        /// # Example
        ///
        /// ```
        /// use handle_table::OnceTable;
        ///
        /// static TABLE: OnceTable<u32> = OnceTable::builder().shards(4).build();
        /// assert!(TABLE.is_empty());
        /// ```
        pub const fn build(self) -> OnceTable<T> {
            OnceTable::with_limits(self.limits)
        }
    }
}

impl<T> Default for OnceTable<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for OnceTable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnceTable").field("len", &self.len()).finish_non_exhaustive()
    }
}
