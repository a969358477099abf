//! The verbs of `Handle`, over the process-wide table.

use std::ptr::NonNull;

use super::erased::Erased;
use crate::{
    epoch,
    error::{Full, HandleError, QuiesceError},
    handle::Handle,
    stats::Stats,
    table::{HandleTable, Ref},
};

#[cfg(not(loom))]
static PROCESS_WIDE: HandleTable<Erased> = HandleTable::new();
#[cfg(loom)]
loom::lazy_static! {
    static ref PROCESS_WIDE: HandleTable<Erased> = HandleTable::new();
}

/// Like [`HandleTable::get`], but finds the slot under the pin, not ahead of it. So no register is
/// live across the pin, and these look-ups have more to keep than those of a table of one type.
#[inline(always)]
fn get(handle: Handle) -> Result<Ref<'static, Erased>, HandleError> {
    let guard = epoch::pin();
    match PROCESS_WIDE.inner.lookup().get(handle, &guard) {
        // SAFETY: the value lives while the guard is pinned, and the `Ref` keeps the guard.
        Some(value) => Ok(unsafe { Ref::new(NonNull::from(value), guard) }),
        None => Err(PROCESS_WIDE.inner.explain(handle)),
    }
}

/// Values of any type, in one process-wide table.
///
/// Each operation is what the [`HandleTable`] method of the same kind is, plus a comparison of
/// types. A value of up to three words is stored in place, a larger one in a box of its own.
impl Handle {
    /// Stores `value` under a new handle.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::Handle;
    ///
    /// let handle = Handle::new(String::from("value"));
    /// assert_eq!(*handle.value::<String>(), "value");
    /// handle.delete();
    /// ```
    ///
    /// # Panics
    ///
    /// If the process ran out of handle space.
    #[must_use = "without the handle its value can't be deleted"]
    #[inline(always)]
    #[track_caller]
    pub fn new<T: Send + Sync + 'static>(value: T) -> Self {
        PROCESS_WIDE.insert_in_place(|| Erased::new(value))
    }

    /// Stores the value that `make` returns; `make` gets the value's handle. If `make` panics,
    /// nothing is stored, and the handle that it saw is never issued.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::Handle;
    ///
    /// struct Timer { me: Handle }
    /// let handle = Handle::new_with(|me| Timer { me });
    /// assert_eq!(handle.value::<Timer>().me, handle);
    /// handle.delete();
    /// ```
    ///
    /// # Panics
    ///
    /// If the process ran out of handle space, and if `make` panics.
    #[must_use = "without the handle its value can't be deleted"]
    #[track_caller]
    pub fn new_with<T: Send + Sync + 'static>(make: impl FnOnce(Self) -> T) -> Self {
        PROCESS_WIDE.insert_with(|handle| Erased::new(make(handle)))
    }

    /// Stores `value` under a new handle, or gives it back.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::Handle;
    ///
    /// let handle = Handle::try_new(7_u32)?;
    /// handle.delete();
    /// # Ok::<(), handle_table::Full<u32>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Full`], with the value, if the process ran out of handle space.
    #[inline(always)]
    pub fn try_new<T: Send + Sync + 'static>(value: T) -> Result<Self, Full<T>> {
        PROCESS_WIDE.try_insert_in_place(|| Erased::new(value)).map_err(|full| {
            full.map(|erased| match erased.take() {
                Ok(value) => value,
                Err(_) => unreachable!("it was a T a moment ago"),
            })
        })
    }

    /// The value, which must be a `T`, kept alive while the [`Ref`] exists.
    ///
    /// Don't hold the `Ref` for long; [`HandleTable::get`] says why, and what to do instead.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::Handle;
    ///
    /// let handle = Handle::new(7_u32);
    /// assert_eq!(*handle.value::<u32>(), 7);
    /// handle.delete();
    /// ```
    ///
    /// # Panics
    ///
    /// On a misused handle: one that was never issued, was already deleted, or holds a value of
    /// another type. [`try_value`](Self::try_value) returns an error instead, and is the one to use
    /// in an `extern "C" fn`.
    #[inline(always)]
    #[track_caller]
    pub fn value<T: 'static>(self) -> Ref<'static, T> {
        match self.try_value() {
            Ok(value) => value,
            Err(error) => misuse(error),
        }
    }

    /// The value, if the handle is valid and the value is a `T`.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::{Handle, HandleError};
    ///
    /// let handle = Handle::new(1_u8);
    /// assert!(matches!(handle.try_value::<i8>(), Err(HandleError::WrongType { .. })));
    /// handle.delete();
    /// assert!(matches!(handle.try_value::<u8>(), Err(HandleError::Deleted { .. })));
    /// ```
    ///
    /// # Errors
    ///
    /// [`HandleError::Unknown`], [`HandleError::Deleted`] or [`HandleError::WrongType`].
    #[inline(always)]
    pub fn try_value<T: 'static>(self) -> Result<Ref<'static, T>, HandleError> {
        get(self)?.try_map(Erased::get::<T>)
    }

    /// Calls `f` with the value, which must be a `T`, in a signal handler; see
    /// [`HandleTable::get_in_signal`] for what a handler may do.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::Handle;
    ///
    /// let handle = Handle::new(7_u32);
    /// assert_eq!(handle.value_in_signal(|number: &u32| *number), Ok(7));
    /// handle.delete();
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`try_value`](Self::try_value).
    ///
    /// # Panics
    ///
    /// If `f` panics.
    pub fn value_in_signal<T: 'static, R>(self, f: impl FnOnce(&T) -> R) -> Result<R, HandleError> {
        PROCESS_WIDE.get_in_signal(self, |erased| erased.get::<T>().map(f))?
    }

    /// Makes the handle invalid, for ever. Its value is dropped before this returns, unless a
    /// thread holds a [`Ref`], the caller included: then [the last of these drops
    /// it](HandleTable#when-values-are-dropped).
    ///
    /// It needs no type: the value of any handle is deleted, whichever type it has.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::Handle;
    /// use std::sync::Arc;
    ///
    /// let resource = Arc::new(());
    /// let handle = Handle::new(Arc::clone(&resource));
    /// handle.delete();
    /// assert!(handle.try_value::<Arc<()>>().is_err());
    /// assert_eq!(Arc::strong_count(&resource), 1); // dropped
    /// ```
    ///
    /// # Panics
    ///
    /// On a misused handle: one that was never issued, or was already deleted.
    #[doc(alias = "unregister")]
    #[inline(always)]
    #[track_caller]
    pub fn delete(self) {
        if let Err(error) = self.try_delete() {
            misuse(error);
        }
    }

    /// Makes the handle invalid, and drops its value as [`delete`](Self::delete) does, or says why
    /// it is invalid already.
    ///
    /// It needs no type: the value of any handle is deleted, whichever type it has.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::Handle;
    ///
    /// let handle = Handle::new("value");
    /// assert!(handle.try_delete().is_ok());
    /// assert!(handle.try_delete().is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// [`HandleError::Unknown`] or [`HandleError::Deleted`].
    #[inline(always)]
    pub fn try_delete(self) -> Result<(), HandleError> {
        PROCESS_WIDE.remove(self)
    }

    /// Like [`try_delete`](Self::try_delete), and says whether the value was dropped: `false` if it
    /// still was in use; see [`HandleTable::remove_now`].
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::Handle;
    /// use std::sync::Arc;
    ///
    /// let resource = Arc::new(());
    /// let handle = Handle::new(Arc::clone(&resource));
    /// let value = handle.try_value::<Arc<()>>()?;
    /// assert_eq!(handle.try_delete_now(), Ok(false)); // `value` is in the way
    /// drop(value);
    /// assert_eq!(Arc::strong_count(&resource), 1);
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`HandleError::Unknown`] or [`HandleError::Deleted`].
    pub fn try_delete_now(self) -> Result<bool, HandleError> {
        PROCESS_WIDE.remove_now(self)
    }

    /// Drops what waits in the process-wide table and can be dropped now, also values of other
    /// crates in the process. Returns how many those were. Seldom needed: see
    /// [`HandleTable::flush`].
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::Handle;
    ///
    /// Handle::new(String::from("gone at once")).delete();
    /// assert_eq!(Handle::flush(), 0); // nothing waits
    /// ```
    pub fn flush() -> usize {
        PROCESS_WIDE.flush()
    }

    /// Waits until all values whose handles were deleted from the process-wide table before the
    /// call have been dropped; see [`HandleTable::quiesce`].
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::Handle;
    ///
    /// Handle::new(String::from("gone at once")).delete();
    /// Handle::quiesce()?; // waits for the drop that another thread may be in the middle of
    /// # Ok::<(), handle_table::QuiesceError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`QuiesceError`] where it would wait for itself.
    pub fn quiesce() -> Result<(), QuiesceError> {
        PROCESS_WIDE.quiesce()
    }

    /// Counts what the process-wide table holds; see [`HandleTable::stats`].
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::Handle;
    ///
    /// let handle = Handle::new("value");
    /// assert_eq!(Handle::stats().live, 1);
    /// handle.delete();
    /// assert_eq!((Handle::stats().live, Handle::stats().pending), (0, 0));
    /// ```
    pub fn stats() -> Stats {
        PROCESS_WIDE.stats()
    }
}

#[cold]
#[track_caller]
fn misuse(error: HandleError) -> ! {
    // Go's words first, so that a reader who knows those finds them.
    panic!("misuse of an invalid Handle: {error}")
}
