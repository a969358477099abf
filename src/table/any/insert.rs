//! [`AnyTable`]: the inserts.

use std::any::Any;

use super::{table::AnyTable, value::AnyValue};
use crate::{
    error::{out_of_space, FullError, InsertError},
    handle::Handle,
};

/// The inserts, for values that any thread may look at and drop, at any later time.
impl AnyTable {
    /// Stores `value` under a new handle.
    ///
    /// # Example
    ///
    /// ```
    /// let table = handle_table::AnyTable::new();
    /// let handle = table.insert(String::from("value"));
    /// assert_eq!(*table.get::<String>(handle)?, "value");
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
    /// Those of [`HandleTable::insert`](crate::HandleTable::insert). A value larger than three words
    /// is allocated.
    #[doc(alias = "register")]
    #[must_use = "without the handle its value can't be deleted"]
    #[inline(always)]
    #[track_caller]
    pub fn insert<T: Send + Sync + 'static>(&self, value: T) -> Handle<dyn Any> {
        self.table.insert_in_place(|| AnyValue::new(value)).cast()
    }

    /// Stores `value` under a new handle, or gives it back.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::AnyTable;
    ///
    /// static ONE: AnyTable = AnyTable::builder().max_handles(1).build();
    ///
    /// assert!(ONE.try_insert(1).is_ok());
    /// assert_eq!(ONE.try_insert("second").unwrap_err().into_inner(), "second");
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
    pub fn try_insert<T>(&self, value: T) -> Result<Handle<dyn Any>, FullError<T>>
    where
        T: Send + Sync + 'static,
    {
        let inserted = self.table.try_insert_in_place(|| AnyValue::new(value));
        inserted.map(Handle::cast).map_err(|full| {
            full.map(|any| match any.take() {
                Ok(value) => value,
                Err(_) => unreachable!("it was a T a moment ago"),
            })
        })
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
    /// use handle_table::{AnyTable, Handle};
    /// use std::any::Any;
    ///
    /// struct Node { me: Handle<dyn Any> }
    /// let table = AnyTable::new();
    /// let handle = table.insert_with(|me| Node { me });
    /// assert_eq!(table.get::<Node>(handle)?.me, handle);
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
    pub fn insert_with<T>(&self, make: impl FnOnce(Handle<dyn Any>) -> T) -> Handle<dyn Any>
    where
        T: Send + Sync + 'static,
    {
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
    /// use handle_table::AnyTable;
    ///
    /// static ONE: AnyTable = AnyTable::builder().max_handles(1).build();
    ///
    /// let handle = ONE.try_insert_with(|me| me.to_raw()).unwrap();
    /// assert_eq!(*ONE.get::<usize>(handle).unwrap(), handle.to_raw());
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
    ///
    /// # Progress and cost
    ///
    /// Those of [`reserve`](Self::reserve).
    pub fn try_insert_with<T, F>(&self, make: F) -> Result<Handle<dyn Any>, FullError<F>>
    where
        T: Send + Sync + 'static,
        F: FnOnce(Handle<dyn Any>) -> T,
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
    /// use handle_table::{AnyTable, InsertError};
    /// use std::fs::File;
    ///
    /// static OBJECTS: AnyTable = AnyTable::new();
    ///
    /// match OBJECTS.try_insert_with_result(|_me| File::open("/no such file")) {
    ///     Err(InsertError::Failed(error)) => println!("not there: {error}"),
    ///     other => panic!("{other:?}"),
    /// }
    /// assert!(OBJECTS.is_empty());
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
    ///
    /// # Progress and cost
    ///
    /// Those of [`reserve`](Self::reserve).
    pub fn try_insert_with_result<T, F, E>(
        &self,
        make: F,
    ) -> Result<Handle<dyn Any>, InsertError<F, E>>
    where
        T: Send + Sync + 'static,
        F: FnOnce(Handle<dyn Any>) -> Result<T, E>,
    {
        match self.try_reserve() {
            Ok(reserved) => match make(reserved.handle()) {
                Ok(value) => Ok(reserved.fill(value)),
                Err(error) => Err(InsertError::Failed(error)),
            },
            Err(_) => Err(InsertError::Full(FullError::new(make))),
        }
    }
}
