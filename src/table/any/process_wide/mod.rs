//! The verbs of `Handle`, over the process-wide table: an [`AnyTable`], whose verbs they are.
//!
//! - here: the inserts and look-ups.
//! - `delete.rs`: the deletes, and the drops of deleted values.
//! - `call.rs`: values for callbacks from C.

use super::table::AnyTable;
use crate::{
    error::{FullError, HandleError},
    handle::Handle,
    stats::Stats,
    table::Ref,
};

#[allow(unsafe_code)]
mod call;
mod delete;

/// Values of any type, in one process-wide table.
///
/// Each operation is that of [`AnyTable`] over [`AnyTable::global`]: progress and cost are said
/// there. A value of up to three words is stored in place, a larger one in a box of its own.
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
        AnyTable::global().insert(value).cast()
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
        AnyTable::global().insert_with(|handle| make(handle.cast())).cast()
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
    /// # Ok::<(), handle_table::FullError<u32>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`FullError`], with the value, if the process ran out of handle space.
    #[inline(always)]
    pub fn try_new<T: Send + Sync + 'static>(value: T) -> Result<Self, FullError<T>> {
        AnyTable::global().try_insert(value).map(Handle::cast)
    }

    /// The value, which must be a `T`, kept alive while the [`Ref`] exists.
    ///
    /// Don't hold the `Ref` for long; [`HandleTable::get`](crate::HandleTable::get) says why, and what to do instead.
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
        AnyTable::global().get(self.cast())
    }

    /// Calls `f` with the value, which must be a `T`, in a signal handler; see
    /// [`AnyTable::get_in_signal`] for what a handler may do.
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
        AnyTable::global().get_in_signal(self.cast(), f)
    }

    /// Counts what the process-wide table holds; see [`AnyTable::stats`].
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
        AnyTable::global().stats()
    }
}

#[cold]
#[track_caller]
fn misuse(error: HandleError) -> ! {
    // Go's words first, so that a reader who knows those finds them.
    panic!("misuse of an invalid Handle: {error}")
}
