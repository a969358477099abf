//! The process-wide table of values of any type: [`Handle::new`], [`Handle::value`],
//! [`Handle::delete`], in meaning those of Go's `runtime/cgo`.

use super::{erased::Erased, handle_table::HandleTable, pinned::Ref};
use crate::{
    epoch,
    error::{Full, HandleError, QuiesceError},
    handle::Handle,
    stats::Stats,
};

#[cfg(not(loom))]
static GLOBAL: HandleTable<Erased> = HandleTable::new();
#[cfg(loom)]
loom::lazy_static! {
    static ref GLOBAL: HandleTable<Erased> = HandleTable::new();
}

/// Values of any type, in one process-wide table.
///
/// Each operation is what the [`HandleTable`] method of the same kind is, plus a comparison of
/// types; a value of up to three words is stored in place, a larger one in a box of its own.
impl Handle {
    /// Stores `value` under a new handle.
    ///
    /// # Panics
    ///
    /// If the process ran out of handle space.
    #[inline(always)]
    #[track_caller]
    pub fn new<T: Send + Sync + 'static>(value: T) -> Self {
        GLOBAL.insert_in_place(|| Erased::new(value))
    }

    /// Stores the value that `make` returns, which may know its own handle. If `make` panics,
    /// nothing was stored, and the handle that it saw is never issued.
    ///
    /// # Panics
    ///
    /// If the process ran out of handle space, and if `make` panics.
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
    #[track_caller]
    pub fn new_with<T: Send + Sync + 'static>(make: impl FnOnce(Self) -> T) -> Self {
        GLOBAL.insert_with(|handle| Erased::new(make(handle)))
    }

    /// Stores `value` under a new handle, or gives it back.
    ///
    /// # Errors
    ///
    /// [`Full`], with the value, if the process ran out of handle space.
    #[inline(always)]
    pub fn try_new<T: Send + Sync + 'static>(value: T) -> Result<Self, Full<T>> {
        GLOBAL
            .try_insert_in_place(|| Erased::new(value))
            .map_err(|full| {
                full.map(|erased| match erased.take() {
                    Ok(value) => value,
                    Err(_) => unreachable!("it was a T a moment ago"),
                })
            })
    }

    /// The value, which must be a `T`, kept alive while the [`Ref`] exists.
    ///
    /// Don't hold the `Ref` for long: [`HandleTable::get`] says why, and the way out.
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

    /// The value, if the handle is valid and it is a `T`.
    ///
    /// # Errors
    ///
    /// [`HandleError::Unknown`], [`HandleError::Deleted`] or [`HandleError::WrongType`].
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
    #[inline(always)]
    pub fn try_value<T: 'static>(self) -> Result<Ref<'static, T>, HandleError> {
        GLOBAL
            .get_under(epoch::pin(), self)?
            .try_map(Erased::get::<T>)
    }

    /// Makes the handle invalid, for ever; its value is dropped
    /// [a little later](HandleTable#when-values-are-dropped).
    ///
    /// # Panics
    ///
    /// On a misused handle: one that was never issued, or was already deleted.
    #[inline(always)]
    #[track_caller]
    pub fn delete(self) {
        if let Err(error) = self.try_delete() {
            misuse(error);
        }
    }

    /// Makes the handle invalid, or says why it is not valid.
    ///
    /// # Errors
    ///
    /// [`HandleError::Unknown`] or [`HandleError::Deleted`].
    #[inline(always)]
    pub fn try_delete(self) -> Result<(), HandleError> {
        GLOBAL.remove(self)
    }

    /// Makes the handle invalid, and drops its value before it returns if no one is reading: see
    /// [`HandleTable::remove_now`].
    ///
    /// # Errors
    ///
    /// [`HandleError::Unknown`] or [`HandleError::Deleted`].
    pub fn try_delete_now(self) -> Result<(), HandleError> {
        GLOBAL.remove_now(self)
    }

    /// Drops what can be dropped now of all values whose handles were deleted from the process-wide
    /// table: see [`HandleTable::flush`].
    pub fn flush() {
        GLOBAL.flush();
    }

    /// Waits until all values whose handles were deleted from the process-wide table before the
    /// call have been dropped: see [`HandleTable::quiesce`].
    ///
    /// # Errors
    ///
    /// [`QuiesceError`] where it would wait for itself.
    pub fn quiesce() -> Result<(), QuiesceError> {
        GLOBAL.quiesce()
    }

    /// Counts what the process-wide table holds: see [`HandleTable::stats`].
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::Handle;
    ///
    /// let handle = Handle::new("value");
    /// assert_eq!(Handle::stats().live, 1);
    /// handle.delete();
    /// Handle::quiesce()?;
    /// assert_eq!((Handle::stats().live, Handle::stats().pending), (0, 0));
    /// # Ok::<(), handle_table::QuiesceError>(())
    /// ```
    pub fn stats() -> Stats {
        GLOBAL.stats()
    }
}

#[cold]
#[track_caller]
fn misuse(error: HandleError) -> ! {
    // Go's words first, so that whoever knows those finds them.
    panic!("misuse of an invalid Handle: {error}")
}
