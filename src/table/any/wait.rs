//! [`AnyTable`]: deletes that wait for the readers in the way, and handles that delete themselves.

use std::{any::Any, time::Duration};

use super::table::AnyTable;
use crate::{
    error::{HandleError, WaitError},
    handle::Handle,
    table::{Owned, Owner, Ref},
};

/// Unregister, and know that it is over.
impl AnyTable {
    /// Deletes `handle`, and returns when no thread uses its value any more and the value is
    /// dropped; see [`HandleTable::remove_wait`](crate::HandleTable::remove_wait).
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::AnyTable;
    ///
    /// let table = AnyTable::new();
    /// let handle = table.insert(String::from("value"));
    /// table.remove_wait(handle)?;
    /// # Ok::<(), handle_table::WaitError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WaitError::WouldDeadlock`] if it would wait for the calling thread itself: the handle is
    /// deleted all the same. [`WaitError::Handle`] with the error of [`remove`](Self::remove).
    #[doc(alias = "unregister")]
    pub fn remove_wait(&self, handle: Handle<dyn Any>) -> Result<(), WaitError> {
        self.table.remove_wait(handle.cast())
    }

    /// Like [`remove_wait`](Self::remove_wait), but gives up waiting after `timeout`.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::AnyTable;
    /// use std::time::Duration;
    ///
    /// let table = AnyTable::new();
    /// let handle = table.insert(String::from("value"));
    /// table.remove_wait_timeout(handle, Duration::from_secs(1))?;
    /// # Ok::<(), handle_table::WaitError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`remove_wait`](Self::remove_wait), and [`WaitError::TimedOut`]: the last reader
    /// drops the value.
    pub fn remove_wait_timeout(
        &self,
        handle: Handle<dyn Any>,
        timeout: Duration,
    ) -> Result<(), WaitError> {
        self.table.remove_wait_timeout(handle.cast(), timeout)
    }

    /// Deletes `handle`, waits until no thread uses its value any more, and gives the value, which
    /// must be a `T`; see [`HandleTable::take`](crate::HandleTable::take).
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::{AnyTable, HandleError, WaitError};
    ///
    /// let table = AnyTable::new();
    /// let handle = table.insert(String::from("value"));
    /// let wrong = table.take::<u32>(handle);
    /// assert!(matches!(wrong, Err(WaitError::Handle(HandleError::WrongType { .. }))));
    /// let value: String = table.take(handle)?;
    /// assert_eq!(value, "value");
    /// # Ok::<(), WaitError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// All leave the value where it is. [`WaitError::Handle`] with the error that
    /// [`get`](Self::get) gives. [`WaitError::WouldDeadlock`] if it would wait for the calling
    /// thread itself.
    pub fn take<T: 'static>(&self, handle: Handle<dyn Any>) -> Result<T, WaitError> {
        // A handle has one value, and so one type, for ever.
        drop(self.get::<T>(handle)?);
        match self.table.take(handle.cast())?.take() {
            Ok(value) => Ok(value),
            Err(_) => unreachable!("it was a T a moment ago"),
        }
    }

    /// Stores `value` under a new handle, which is deleted when the [`Owned`] is dropped.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::AnyTable;
    ///
    /// let table = AnyTable::new();
    /// let owned = table.insert_owned(String::from("value"));
    /// assert_eq!(*owned.get()?, "value");
    /// drop(owned);
    /// assert!(table.is_empty());
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If the table ran out of handle space.
    #[track_caller]
    pub fn insert_owned<T: Send + Sync + 'static>(&self, value: T) -> Owned<'_, T, Self> {
        Owned::new(self, self.insert(value))
    }
}

impl<T: 'static> Owner<T> for AnyTable {
    type Kind = dyn Any;

    fn delete_owned(&self, handle: Handle<dyn Any>) {
        self.destroy_handle(handle);
    }

    fn get_owned(&self, handle: Handle<dyn Any>) -> Result<Ref<'_, T>, HandleError> {
        self.get(handle)
    }
}
