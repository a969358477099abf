//! [`OnceTable`]: the inserts.

use super::table::OnceTable;
use crate::{
    error::{out_of_space, FullError},
    handle::Handle,
    inner::OnceValue,
};

/// The inserts, for values that any thread may take.
impl<T: Send + 'static> OnceTable<T> {
    /// Stores `value` under a new handle.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::OnceTable;
    ///
    /// let table = OnceTable::new();
    /// let handle = table.insert("value");
    /// assert_eq!(table.take(handle)?, "value");
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
    /// shard (see [`Builder::shards`](crate::Builder::shards)) does two read-modify-writes more.
    /// Runs no `Drop`, also if the table is full.
    #[must_use = "without the handle its value can't be taken"]
    #[inline(always)]
    #[track_caller]
    pub fn insert(&self, value: T) -> Handle<T> {
        match self.try_insert(value) {
            Ok(handle) => handle,
            Err(_) => out_of_space(),
        }
    }

    /// Stores `value` under a new handle, or gives it back.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::OnceTable;
    ///
    /// static ONE: OnceTable<u32> = OnceTable::builder().max_handles(1).build();
    ///
    /// assert!(ONE.try_insert(1).is_ok());
    /// assert_eq!(ONE.try_insert(2).unwrap_err().into_inner(), 2);
    /// ```
    ///
    /// # Errors
    ///
    /// [`FullError`], with the value, if the table ran out of handle space.
    ///
    /// # Progress and cost
    ///
    /// Those of [`insert`](Self::insert).
    #[inline(always)]
    pub fn try_insert(&self, value: T) -> Result<Handle<T>, FullError<T>> {
        match self.inner_or_make().insert(|| OnceValue::new(value)) {
            Ok(handle) => Ok(Handle::of(handle)),
            Err(full) => Err(full.map(OnceValue::into_inner)),
        }
    }

    /// Stores the value that `make` returns; `make` gets the value's handle: for a callback that
    /// cancels or starts itself anew.
    ///
    /// The handle becomes valid when `make` has returned; until then a take gets
    /// [`HandleError::NotYet`]. If `make` panics, nothing is inserted, and the handle that it saw
    /// is never issued: it gets [`HandleError::Deleted`] from then on.
    ///
    /// [`HandleError::Deleted`]: crate::HandleError::Deleted
    /// [`HandleError::NotYet`]: crate::HandleError::NotYet
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::{Handle, HandleError, OnceTable};
    ///
    /// struct Timer { me: Handle<Timer> }
    /// let table = OnceTable::new();
    /// let handle = table.insert_with(|me| {
    ///     assert!(matches!(table.take(me), Err(HandleError::NotYet { .. })));
    ///     Timer { me }
    /// });
    /// assert_eq!(table.take(handle)?.me, handle);
    /// # Ok::<(), HandleError>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If the table ran out of handle space, and if `make` panics.
    ///
    /// # Progress and cost
    ///
    /// Those of [`insert`](Self::insert) where it takes its slow path: some nanoseconds more.
    #[must_use = "without the handle its value can't be taken"]
    #[track_caller]
    pub fn insert_with(&self, make: impl FnOnce(Handle<T>) -> T) -> Handle<T> {
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
    /// use handle_table::OnceTable;
    ///
    /// static ONE: OnceTable<usize> = OnceTable::builder().max_handles(1).build();
    ///
    /// let handle = ONE.try_insert_with(|me| me.to_raw()).unwrap();
    /// assert!(ONE.try_insert_with(|me| me.to_raw()).is_err());
    /// assert_eq!(ONE.take(handle), Ok(handle.to_raw()));
    /// ```
    ///
    /// # Errors
    ///
    /// [`FullError`], with the closure, which was not called.
    ///
    /// # Panics
    ///
    /// If `make` panics.
    ///
    /// # Progress and cost
    ///
    /// Those of [`insert_with`](Self::insert_with).
    pub fn try_insert_with<F>(&self, make: F) -> Result<Handle<T>, FullError<F>>
    where
        F: FnOnce(Handle<T>) -> T,
    {
        match self.inner_or_make().reserve() {
            Some(reservation) => {
                let value = make(Handle::of(reservation.handle()));
                Ok(Handle::of(reservation.fill(OnceValue::new(value))))
            }
            None => Err(FullError::new(make)),
        }
    }
}
