//! [`HandleTable`]: the inserts.

use super::handle_table::HandleTable;
use crate::{
    error::{Full, FULL},
    handle::Handle,
};

/// The inserts, for values that any thread may look at and drop, at any later time.
impl<T: Send + Sync + 'static> HandleTable<T> {
    /// Stores `value` under a new handle.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::HandleTable;
    ///
    /// let table = HandleTable::new();
    /// let handle = table.insert("value");
    /// assert_eq!(*table.get(handle)?, "value");
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If the table ran out of handle space; [`try_insert`](Self::try_insert) gives the value back
    /// instead.
    ///
    /// # Progress and cost
    ///
    /// Lock-free, but for the allocator when a table grows or a value is larger than 64 bytes, and
    /// for a thread's first use of any table, which registers the thread. Writes to memory that the
    /// calling thread owns, and to no shared cache line but the slot's own. A thread that owns no
    /// shard (see [`Builder::shards`](crate::Builder::shards)) does two read-modify-writes more. An
    /// insert that finds the table full calls [`flush`](Self::flush), which may run `Drop`s, and
    /// tries once more.
    #[inline(always)]
    #[track_caller]
    pub fn insert(&self, value: T) -> Handle {
        self.insert_in_place(|| value)
    }

    /// Stores `value` under a new handle, or gives it back.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::HandleTable;
    ///
    /// static ONE: HandleTable<u32> = HandleTable::builder().max_handles(1).build();
    ///
    /// assert!(ONE.try_insert(1).is_ok());
    /// assert_eq!(ONE.try_insert(2).unwrap_err().into_inner(), 2);
    /// ```
    ///
    /// # Errors
    ///
    /// [`Full`], with the value, if the table ran out of handle space.
    ///
    /// # Progress and cost
    ///
    /// Those of [`insert`](Self::insert).
    #[inline(always)]
    pub fn try_insert(&self, value: T) -> Result<Handle, Full<T>> {
        self.try_insert_in_place(|| value)
    }

    /// [`insert`](Self::insert) for a value that `make` makes where it is to live.
    #[inline(always)]
    #[track_caller]
    pub(super) fn insert_in_place(&self, make: impl FnOnce() -> T) -> Handle {
        match self.try_insert_in_place(make) {
            Ok(handle) => handle,
            Err(_) => out_of_space(),
        }
    }

    /// [`try_insert`](Self::try_insert) for a value that `make` makes where it is to live.
    #[inline(always)]
    pub(super) fn try_insert_in_place(&self, make: impl FnOnce() -> T) -> Result<Handle, Full<T>> {
        self.inner_or_make().insert(make)
    }

    /// Stores the value that `make` returns; `make` gets the value's handle.
    ///
    /// The handle becomes valid when `make` has returned. If `make` panics, nothing is inserted,
    /// and the handle that it saw is never issued: it gets [`HandleError::Deleted`] from then on.
    ///
    /// [`HandleError::Deleted`]: crate::HandleError::Deleted
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
    ///
    /// # Panics
    ///
    /// If the table ran out of handle space, and if `make` panics.
    #[track_caller]
    pub fn insert_with(&self, make: impl FnOnce(Handle) -> T) -> Handle {
        match self.try_insert_with(make) {
            Ok(handle) => handle,
            Err(_) => out_of_space(),
        }
    }

    /// Like [`insert_with`](Self::insert_with), but gives the closure back if the table ran out of
    /// handle space.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::HandleTable;
    ///
    /// static ONE: HandleTable<usize> = HandleTable::builder().max_handles(1).build();
    ///
    /// let handle = ONE.try_insert_with(|me| me.into_raw()).unwrap();
    /// assert_eq!(*ONE.get(handle).unwrap(), handle.into_raw());
    /// assert!(ONE.try_insert_with(|me| me.into_raw()).is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// [`Full`], with the closure, which was not called.
    ///
    /// # Panics
    ///
    /// If `make` panics.
    pub fn try_insert_with<F: FnOnce(Handle) -> T>(&self, make: F) -> Result<Handle, Full<F>> {
        self.inner_or_make().insert_with(make)
    }
}

#[cold]
#[track_caller]
fn out_of_space() -> ! {
    panic!("{FULL}")
}
