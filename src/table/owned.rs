//! [`Owned`]: a handle that deletes itself, until it is handed over to C.

use std::{ffi::c_void, fmt, mem::ManuallyDrop};

use super::{handle_table::HandleTable, pinned::Ref};
use crate::{error::HandleError, handle::Handle};

/// A handle that is deleted when this is dropped; made by [`HandleTable::insert_owned`].
///
/// For the time between making a value and registering it with C: an early return, or a panic,
/// deletes the handle. [`into_ptr`](Self::into_ptr) and [`into_handle`](Self::into_handle) hand it
/// over, and nothing is deleted any more.
///
/// # Example
///
/// ```
/// use handle_table::HandleTable;
/// use std::ffi::c_void;
///
/// static CALLBACKS: HandleTable<String> = HandleTable::new();
///
/// /// C's: 0 if it has taken `user_data`.
/// fn register(user_data: *mut c_void) -> i32 {
///     i32::from(user_data.is_null())
/// }
///
/// fn watch(name: &str) -> Result<(), i32> {
///     let owned = CALLBACKS.insert_owned(name.into());
///     match register(owned.as_ptr()) {
///         0 => Ok(_ = owned.into_handle()), // C has it now
///         error => Err(error),              // deleted here
///     }
/// }
///
/// watch("value").unwrap();
/// assert_eq!(CALLBACKS.len(), 1);
/// ```
#[must_use = "the handle is deleted when this is dropped"]
pub struct Owned<'t, T, Table: Owner<T> = HandleTable<T>> {
    table: &'t Table,
    handle: Handle<Table::Kind>,
}

/// The tables that issue an [`Owned`].
// Not nameable by users: they see that `HandleTable` and `AnyTable` have it.
pub trait Owner<T> {
    /// The kind of the table's handles.
    type Kind: ?Sized;

    /// Deletes a handle; reports it if that can't be done.
    #[doc(hidden)]
    fn delete_owned(&self, handle: Handle<Self::Kind>);

    /// The value of a handle.
    #[doc(hidden)]
    fn get_owned(&self, handle: Handle<Self::Kind>) -> Result<Ref<'_, T>, HandleError>;
}

impl<T> Owner<T> for HandleTable<T> {
    type Kind = T;

    fn delete_owned(&self, handle: Handle<T>) {
        self.destroy_handle(handle);
    }

    fn get_owned(&self, handle: Handle<T>) -> Result<Ref<'_, T>, HandleError> {
        self.get(handle)
    }
}

impl<T: Send + Sync + 'static> HandleTable<T> {
    /// Stores `value` under a new handle, which is deleted when the [`Owned`] is dropped.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::HandleTable;
    ///
    /// let table = HandleTable::new();
    /// let owned = table.insert_owned("value");
    /// assert_eq!(*owned.get()?, "value");
    /// drop(owned);
    /// assert!(table.is_empty());
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If the table ran out of handle space.
    ///
    /// # Progress and cost
    ///
    /// Those of [`insert`](Self::insert), and of a [`remove`](Self::remove) at its end.
    #[track_caller]
    pub fn insert_owned(&self, value: T) -> Owned<'_, T> {
        Owned::new(self, self.insert(value))
    }
}

impl<'t, T, Table: Owner<T>> Owned<'t, T, Table> {
    pub(super) fn new(table: &'t Table, handle: Handle<Table::Kind>) -> Self {
        Self { table, handle }
    }

    /// The handle. It is still deleted when this is dropped.
    ///
    /// # Example
    ///
    /// ```
    /// let table = handle_table::HandleTable::new();
    /// let owned = table.insert_owned("value");
    /// assert!(table.contains(owned.handle()));
    /// ```
    #[must_use]
    pub fn handle(&self) -> Handle<Table::Kind> {
        self.handle
    }

    /// The handle as C's `void *`. It is still deleted when this is dropped.
    ///
    /// # Example
    ///
    /// ```
    /// let table = handle_table::HandleTable::new();
    /// let owned = table.insert_owned(7);
    /// assert_eq!(table.call(owned.as_ptr(), |number| *number), Ok(7));
    /// ```
    #[must_use]
    pub fn as_ptr(&self) -> *mut c_void {
        self.handle.to_ptr()
    }

    /// Hands the handle over to C, as a `void *`: nothing is deleted here any more.
    ///
    /// # Example
    ///
    /// ```
    /// let table = handle_table::HandleTable::new();
    /// let user_data = table.insert_owned(7).into_ptr();
    /// assert_eq!(table.call(user_data, |number| *number), Ok(7));
    /// ```
    #[must_use = "without the handle its value can't be deleted"]
    pub fn into_ptr(self) -> *mut c_void {
        self.into_handle().to_ptr()
    }

    /// Hands the handle over: nothing is deleted here any more.
    ///
    /// # Example
    ///
    /// ```
    /// let table = handle_table::HandleTable::new();
    /// let handle = table.insert_owned(7).into_handle();
    /// assert_eq!(table.cloned(handle), Ok(7));
    /// ```
    #[must_use = "without the handle its value can't be deleted"]
    pub fn into_handle(self) -> Handle<Table::Kind> {
        ManuallyDrop::new(self).handle
    }

    /// The value.
    ///
    /// # Example
    ///
    /// ```
    /// let table = handle_table::HandleTable::new();
    /// let owned = table.insert_owned(7);
    /// assert_eq!(*owned.get()?, 7);
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`HandleError::Deleted`] if somebody else has deleted the handle.
    pub fn get(&self) -> Result<Ref<'_, T>, HandleError> {
        self.table.get_owned(self.handle)
    }
}

impl<T, Table: Owner<T>> Drop for Owned<'_, T, Table> {
    fn drop(&mut self) {
        self.table.delete_owned(self.handle);
    }
}

impl<T, Table: Owner<T>> fmt::Debug for Owned<'_, T, Table> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Owned").field(&self.handle).finish()
    }
}
