//! The process-wide table: what deletes handles, and what drops their values.

use super::{misuse, AnyTable};
use crate::{
    error::{HandleError, QuiesceError},
    handle::Handle,
};

/// Deletes, and the drops of deleted values.
impl Handle {
    /// Makes the handle invalid, for ever. Its value is dropped before this returns, unless a
    /// thread holds a [`Ref`](crate::Ref), the caller included: then [the last of these drops
    /// it](crate::HandleTable#when-values-are-dropped).
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
        AnyTable::global().remove(self.cast())
    }

    /// Like [`try_delete`](Self::try_delete), but only if the value is a `T`. A value of another
    /// type lives on, and its handle stays valid.
    ///
    /// For a destructor of C's that is meant for one type: a handle of another, mixed up in C, is
    /// not lost by it.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::{Handle, HandleError};
    ///
    /// let handle = Handle::new(String::from("value"));
    /// assert!(matches!(handle.try_delete_as::<u32>(), Err(HandleError::WrongType { .. })));
    /// assert_eq!(*handle.value::<String>(), "value"); // still there
    /// handle.try_delete_as::<String>()?;
    /// # Ok::<(), HandleError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`try_value`](Self::try_value).
    pub fn try_delete_as<T: 'static>(self) -> Result<(), HandleError> {
        AnyTable::global().remove_as::<T>(self.cast())
    }

    /// Like [`try_delete`](Self::try_delete), and says whether the value was dropped: `false` if it
    /// still was in use; see [`AnyTable::remove_now`].
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
        AnyTable::global().remove_now(self.cast())
    }

    /// Drops what waits in the process-wide table and can be dropped now, also values of other
    /// crates in the process. Returns how many those were. Seldom needed: see
    /// [`AnyTable::flush`].
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
        AnyTable::global().flush()
    }

    /// Waits until all values whose handles were deleted from the process-wide table before the
    /// call have been dropped; see [`AnyTable::quiesce`].
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
        AnyTable::global().quiesce()
    }
}
