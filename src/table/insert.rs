//! [`HandleTable`]: the inserts.

use super::{handle_table::HandleTable, reserved::Reserved};
use crate::{
    error::{out_of_space, FullError, InsertError},
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
    #[must_use = "without the handle its value can't be deleted"]
    #[inline(always)]
    #[track_caller]
    pub fn insert(&self, value: T) -> Handle<T> {
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
    /// [`FullError`], with the value, if the table ran out of handle space.
    ///
    /// # Progress and cost
    ///
    /// Those of [`insert`](Self::insert).
    #[inline(always)]
    pub fn try_insert(&self, value: T) -> Result<Handle<T>, FullError<T>> {
        self.try_insert_in_place(|| value)
    }

    /// [`insert`](Self::insert) for a value that `make` makes where it is to live.
    #[inline(always)]
    #[track_caller]
    pub(super) fn insert_in_place(&self, make: impl FnOnce() -> T) -> Handle<T> {
        match self.try_insert_in_place(make) {
            Ok(handle) => handle,
            Err(_) => out_of_space(),
        }
    }

    /// [`try_insert`](Self::try_insert) for a value that `make` makes where it is to live.
    #[inline(always)]
    pub(super) fn try_insert_in_place(
        &self,
        make: impl FnOnce() -> T,
    ) -> Result<Handle<T>, FullError<T>> {
        self.inner_or_make().insert(make).map(Handle::of)
    }

    /// Stores the value that `make` returns; `make` gets the value's handle.
    ///
    /// The handle becomes valid when `make` has returned; look-ups get [`HandleError::NotYet`]
    /// until then. If `make` panics, nothing is inserted, and the handle that it saw is never
    /// issued: it gets [`HandleError::Deleted`] from then on.
    ///
    /// [`HandleError::Deleted`]: crate::HandleError::Deleted
    /// [`HandleError::NotYet`]: crate::HandleError::NotYet
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::{Handle, HandleTable};
    ///
    /// struct Node { me: Handle<Node> }
    /// let table = HandleTable::new();
    /// let handle = table.insert_with(|me| Node { me });
    /// assert_eq!(table.get(handle)?.me, handle);
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If the table ran out of handle space, and if `make` panics.
    ///
    /// # Progress and cost
    ///
    /// Those of [`reserve`](Self::reserve).
    #[must_use = "without the handle its value can't be deleted"]
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
    /// use handle_table::HandleTable;
    ///
    /// static ONE: HandleTable<usize> = HandleTable::builder().max_handles(1).build();
    ///
    /// let handle = ONE.try_insert_with(|me| me.to_raw()).unwrap();
    /// assert_eq!(*ONE.get(handle).unwrap(), handle.to_raw());
    /// assert!(ONE.try_insert_with(|me| me.to_raw()).is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// [`FullError`], with the closure, which was not called.
    ///
    /// # Panics
    ///
    /// If `make` panics.
    pub fn try_insert_with<F>(&self, make: F) -> Result<Handle<T>, FullError<F>>
    where
        F: FnOnce(Handle<T>) -> T,
    {
        match self.try_reserve() {
            Ok(reserved) => {
                let value = make(reserved.handle());
                Ok(reserved.fill(value))
            }
            Err(_) => Err(FullError::new(make)),
        }
    }

    /// Like [`try_insert_with`](Self::try_insert_with), for a value that may fail to be made.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::{HandleTable, InsertError};
    /// use std::{fs::File, io::ErrorKind};
    ///
    /// static FILES: HandleTable<File> = HandleTable::new();
    ///
    /// match FILES.try_insert_with_result(|_me| File::open("/no such file")) {
    ///     Err(InsertError::Failed(error)) => assert_eq!(error.kind(), ErrorKind::NotFound),
    ///     other => panic!("{other:?}"),
    /// }
    /// assert!(FILES.is_empty());
    /// ```
    ///
    /// # Errors
    ///
    /// [`InsertError::Failed`] with the error of `make`: the handle that it saw is never issued.
    /// [`InsertError::Full`] with the closure, which was not called.
    ///
    /// # Panics
    ///
    /// If `make` panics.
    pub fn try_insert_with_result<F, E>(&self, make: F) -> Result<Handle<T>, InsertError<F, E>>
    where
        F: FnOnce(Handle<T>) -> Result<T, E>,
    {
        match self.try_reserve() {
            Ok(reserved) => match make(reserved.handle()) {
                Ok(value) => Ok(reserved.fill(value)),
                Err(error) => Err(InsertError::Failed(error)),
            },
            Err(_) => Err(InsertError::Full(FullError::new(make))),
        }
    }

    /// Reserves a handle, whose value is to follow; see [`Reserved`].
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::HandleTable;
    ///
    /// let table = HandleTable::new();
    /// let reserved = table.reserve();
    /// let early = reserved.handle();
    /// assert_eq!(reserved.fill("value"), early);
    /// assert_eq!(*table.get(early)?, "value");
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If the table ran out of handle space; [`try_reserve`](Self::try_reserve) returns an error
    /// instead.
    ///
    /// # Progress and cost
    ///
    /// Those of [`insert`](Self::insert) where it takes its slow path: some nanoseconds more.
    #[track_caller]
    pub fn reserve(&self) -> Reserved<'_, T> {
        match self.try_reserve() {
            Ok(reserved) => reserved,
            Err(_) => out_of_space(),
        }
    }

    /// Like [`reserve`](Self::reserve), but returns an error if there is no handle left.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::HandleTable;
    ///
    /// let table = HandleTable::<u32>::builder().max_handles(1).build();
    /// let reserved = table.try_reserve()?;
    /// assert!(table.try_reserve().is_err()); // a reserved handle counts
    /// reserved.fill(7);
    /// # Ok::<(), handle_table::FullError<()>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`FullError`] if the table ran out of handle space.
    pub fn try_reserve(&self) -> Result<Reserved<'_, T>, FullError<()>> {
        let reservation = self.inner_or_make().reserve().ok_or(FullError::new(()))?;
        Ok(Reserved::new(reservation))
    }
}
