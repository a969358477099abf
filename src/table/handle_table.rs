//! [`HandleTable`]: the public table. It says what the verbs promise; how they keep it stands in the
//! rooms below.

use std::{
    fmt,
    panic::{RefUnwindSafe, UnwindSafe},
    ptr::NonNull,
};

use super::{
    builder::{Builder, Limits},
    pinned::{Pinned, Ref},
};
use crate::{
    epoch::{self, Guard},
    error::{Full, HandleError, FULL},
    handle::Handle,
    inner::OnceInner,
    sync::const_unless_loom,
};

/// A lock-free table of values of type `T`, each named by a [`Handle`] that C may keep.
///
/// All methods take `&self` and may be called from any thread, from inside a value's `Drop`, and
/// while thread-locals are being destroyed. It is `const` to make, so that it can stand in a
/// `static`, and takes no memory before its first insert.
///
/// # When values are dropped
///
/// A delete makes the handle invalid at once. The value is dropped once no reader from before can
/// see it, in batches of up to 256 (1,024 where `T` has nothing to drop, on 64-bit), during a later delete: with no reader in the way, at the latest
/// when the same thread has deleted five batches' worth of further values from this table, and one more for every eight
/// full batches that a reader has held up before. A thread that stops deleting
/// leaves up to that many behind until someone calls [`flush`](Self::flush) or
/// [`quiesce`](Self::quiesce), or the table is dropped. [`remove_now`](Self::remove_now) doesn't
/// wait for a batch.
///
/// As a rule a value is dropped on the thread that deleted it. Not so what an ended thread has left,
/// which the next thread with its shard drops; what threads without a shard of their own delete,
/// which any of them drops; and what `flush`, `quiesce`, `remove_now` or the table's drop find. A value
/// that must be dropped on one certain thread should hand itself over to it in its `Drop`.
///
/// A value's `Drop` may use the table. If it panics, the panic hook reports it and
/// [`Stats::drop_panics`](crate::Stats::drop_panics) counts it; it goes no further, so that it can't come out of an unrelated
/// call or cross into C.
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
// A line of its own, since every look-up reads it.
#[repr(align(64))]
pub struct HandleTable<T> {
    pub(crate) inner: OnceInner<T>,
    limits: Limits,
}

// A panic in a closure or a `Drop` leaves no half-made state: see `insert_with` and above.
impl<T> UnwindSafe for HandleTable<T> {}
impl<T> RefUnwindSafe for HandleTable<T> {}

impl<T> HandleTable<T> {
    const_unless_loom! {
        /// An empty table, with a number of shards that suits the machine.
        pub const fn new() -> Self {
            Self::with_limits(Limits::DEFAULT)
        }
    }

    /// An empty table to be told its number of shards or its largest number of handles.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::HandleTable;
    ///
    /// static SMALL: HandleTable<u32> = HandleTable::builder().shards(4).max_handles(2).build();
    ///
    /// SMALL.insert(1);
    /// SMALL.insert(2);
    /// assert_eq!(SMALL.try_insert(3).unwrap_err().into_inner(), 3);
    /// ```
    pub const fn builder() -> Builder<T> {
        Builder::new()
    }

    const_unless_loom! {
        pub(crate) const fn with_limits(limits: Limits) -> Self {
            Self {
                inner: OnceInner::new(),
                limits,
            }
        }
    }

    /// The value of `handle`, kept alive while the [`Ref`] exists.
    ///
    /// # Errors
    ///
    /// Any integer is safe to ask for. [`HandleError::Deleted`] if it was deleted,
    /// [`HandleError::Unknown`] if this table never issued it.
    ///
    /// Wait-free, but for what crossbeam-epoch does on every 128th pin of a thread: there it may
    /// help the epoch forward, which is lock-free. It writes nothing that other threads write. (A
    /// thread's first use of any table registers it, and the process's first makes the collector.)
    ///
    /// # What a `Ref` that is held for long costs
    ///
    /// While it exists, nothing that is deleted, from any table, can be dropped: memory grows until
    /// it is let go; a `Ref` that is leaked with [`std::mem::forget`] stops reclamation for good. A
    /// callback that runs an event loop must not hold one meanwhile. Store an
    /// [`Arc`](std::sync::Arc) instead, take a clone out, and let go of the table:
    ///
    /// ```
    /// use handle_table::HandleTable;
    /// use std::sync::Arc;
    ///
    /// static WINDOWS: HandleTable<Arc<String>> = HandleTable::new();
    ///
    /// let handle = WINDOWS.insert(Arc::new("main".into()));
    /// let window: Arc<String> = WINDOWS.cloned(handle)?;
    /// // run the event loop with `window`; the table goes on
    /// # assert_eq!(*window, "main");
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    #[inline(always)]
    pub fn get(&self, handle: Handle) -> Result<Ref<'_, T>, HandleError> {
        if let Some(candidate) = self.inner.lookup().find(handle) {
            // Ahead of the pin, which takes about as long as a line from the next cache.
            candidate.prefetch();
            let guard = epoch::pin();
            if let Some(value) = candidate.read(&guard) {
                let value = NonNull::from(value);
                // SAFETY: the value lives while the guard is pinned, and the guard goes along.
                return Ok(unsafe { Ref::new(value, guard) });
            }
        }
        Err(self.inner.explain(handle))
    }

    /// As [`get`](Self::get), but the slot is found under the pin, not ahead of it: so nothing is kept
    /// in registers across the pin, for who needs them, and a slot far away is asked for later.
    #[inline(always)]
    pub(crate) fn get_under(
        &self,
        guard: Guard,
        handle: Handle,
    ) -> Result<Ref<'_, T>, HandleError> {
        match self.inner.lookup().get(handle, &guard) {
            Some(value) => {
                let value = NonNull::from(value);
                // SAFETY: the value lives while the guard is pinned, and the guard goes along.
                Ok(unsafe { Ref::new(value, guard) })
            }
            None => Err(self.inner.explain(handle)),
        }
    }

    /// Pins once for many look-ups: see [`Pinned`].
    ///
    /// Wait-free but for every 128th time, as [`get`](Self::get).
    #[inline]
    pub fn pin(&self) -> Pinned<'_, T> {
        Pinned::new(&self.inner, epoch::pin())
    }

    /// A clone of the value of `handle`; nothing stays pinned.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get).
    pub fn cloned(&self, handle: Handle) -> Result<T, HandleError>
    where
        T: Clone,
    {
        self.get(handle).map(|value| T::clone(&value))
    }

    /// Whether `handle` is valid at this moment. Wait-free, and needs no pin.
    #[inline]
    pub fn contains(&self, handle: Handle) -> bool {
        self.inner.lookup().contains(handle)
    }

    /// Deletes `handle`: it is invalid from here on, for ever. Its value is dropped
    /// [a little later](Self#when-values-are-dropped).
    ///
    /// What the caller did before comes before anything that is done after a call has answered
    /// [`HandleError::Deleted`] for this handle.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get). Of several threads that delete the same handle, one succeeds.
    ///
    /// Lock-free: one compare-exchange on the slot, and plain stores to what the calling thread
    /// owns. Each 256th delete of a thread (each 1,024th where `T` has nothing to drop, sooner for
    /// large values) also seals a batch; when four wait, it drops the values of those that no reader can see any more, and
    /// helps the epoch on for the others. If more than eight full batches wait for readers then, it yields the processor
    /// once, so that a reader who was preempted can go on.
    #[inline(always)]
    pub fn remove(&self, handle: Handle) -> Result<(), HandleError> {
        match self.inner.get().and_then(|inner| inner.delete(handle)) {
            Some(_) => Ok(()),
            None => Err(self.inner.explain(handle)),
        }
    }

    /// Deletes `handle`, and gives a last look at its value.
    ///
    /// # Errors
    ///
    /// As for [`remove`](Self::remove).
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
    pub fn remove_ref(&self, handle: Handle) -> Result<Ref<'_, T>, HandleError> {
        let guard = epoch::pin();
        let deleted = self.inner.get().and_then(|inner| inner.delete(handle));
        let (slot, _) = deleted.ok_or_else(|| self.inner.explain(handle))?;
        // SAFETY: `delete` found the slot live, after `guard` was pinned.
        let value = NonNull::from(unsafe { slot.value_ref(&guard) });
        // SAFETY: the value lives while the guard is pinned, and the guard goes along.
        Ok(unsafe { Ref::new(value, guard) })
    }

    /// Deletes `handle`, and drops its value before it returns if no one is reading: no thread
    /// holds a `Ref` or `Pinned` of any table. Otherwise the value is dropped later, as by
    /// [`remove`](Self::remove); so it is when the call comes from a value's `Drop`. A thread that is
    /// preempted in the middle of a call to a table counts as a reader; this yields to it some dozen
    /// times, and then gives up. For a guarantee, follow it by [`quiesce`](Self::quiesce).
    ///
    /// # Errors
    ///
    /// As for [`remove`](Self::remove).
    ///
    /// The delete is lock-free; the drop waits for drops that other threads are in the middle of.
    /// It costs some microseconds: for files and sockets, not for a storm of callbacks.
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
    pub fn remove_now(&self, handle: Handle) -> Result<(), HandleError> {
        let deleted = self.inner.get().and_then(|inner| inner.delete_now(handle));
        deleted.ok_or_else(|| self.inner.explain(handle))
    }
}

/// The inserts, for values that any thread may drop and look at, at any later time.
impl<T: Send + Sync + 'static> HandleTable<T> {
    /// Stores `value` under a new handle.
    ///
    /// # Panics
    ///
    /// If the table ran out of handle space; [`try_insert`](Self::try_insert) gives the value back
    /// instead.
    ///
    /// Lock-free: touches what the calling thread owns, and no shared line but the slot's own. A
    /// thread that owns no shard (see [`Builder::shards`]) does a compare-exchange more.
    #[inline(always)]
    #[track_caller]
    pub fn insert(&self, value: T) -> Handle {
        self.insert_in_place(|| value)
    }

    /// Stores `value` under a new handle, or gives it back.
    ///
    /// # Errors
    ///
    /// [`Full`], with the value, if the table ran out of handle space.
    #[inline(always)]
    pub fn try_insert(&self, value: T) -> Result<Handle, Full<T>> {
        self.try_insert_in_place(|| value)
    }

    /// [`insert`](Self::insert), of the value that `make` gives. A closure, so that the value is made
    /// where it is to live: a copy of it on the way costs more than all the rest. It does not panic.
    #[inline(always)]
    #[track_caller]
    pub(crate) fn insert_in_place(&self, make: impl FnOnce() -> T) -> Handle {
        let inner = self.inner.get_or_make(|| self.limits.make_inner());
        if let Some(claim) = inner.claim_fast() {
            return inner.publish_fast(claim, make());
        }
        match inner.insert_slow(make()) {
            Ok(handle) => handle,
            Err(_) => out_of_space(),
        }
    }

    /// [`try_insert`](Self::try_insert), in the same way.
    #[inline(always)]
    pub(crate) fn try_insert_in_place(&self, make: impl FnOnce() -> T) -> Result<Handle, Full<T>> {
        let inner = self.inner.get_or_make(|| self.limits.make_inner());
        match inner.claim_fast() {
            Some(claim) => Ok(inner.publish_fast(claim, make())),
            None => inner.insert_slow(make()),
        }
    }

    /// Stores the value that `make` returns, which may know its own handle.
    ///
    /// The handle becomes valid when `make` has returned. If it panics, nothing was inserted, and
    /// the handle that it saw is never issued to anyone: it answers [`HandleError::Deleted`].
    ///
    /// # Panics
    ///
    /// If the table ran out of handle space, and if `make` panics.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::{Handle, HandleTable};
    ///
    /// struct Node { me: Handle }
    /// let table = HandleTable::new();
    /// let handle = table.insert_with(|me| Node { me });
    /// assert_eq!(table.get(handle)?.me, handle);
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    #[track_caller]
    pub fn insert_with(&self, make: impl FnOnce(Handle) -> T) -> Handle {
        match self.try_insert_with(make) {
            Ok(handle) => handle,
            Err(_) => out_of_space(),
        }
    }

    /// As [`insert_with`](Self::insert_with), but gives the closure back instead of panicking when
    /// there is no handle to be had.
    ///
    /// # Errors
    ///
    /// [`Full`], with the closure, which was not called.
    pub fn try_insert_with<F: FnOnce(Handle) -> T>(&self, make: F) -> Result<Handle, Full<F>> {
        self.inner
            .get_or_make(|| self.limits.make_inner())
            .insert_with(make)
    }
}

#[cold]
#[track_caller]
pub(crate) fn out_of_space() -> ! {
    panic!("{FULL}")
}

impl<T> Default for HandleTable<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for HandleTable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandleTable")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
