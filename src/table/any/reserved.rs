//! [`ReservedAny`]: a handle that is known before its value is there, nor even the value's type.

use std::{any::Any, fmt};

use super::{table::AnyTable, value::AnyValue};
use crate::{
    error::{out_of_space, FullError},
    handle::Handle,
    table::Reserved,
};

/// A handle without a value yet; made by [`AnyTable::reserve`].
///
/// It is what [`Reserved`] is for a table of one type. The value's type is that of
/// [`fill`](Self::fill); until then look-ups of any type get
/// [`HandleError::NotYet`](crate::HandleError::NotYet). If this is dropped, the handle is never
/// issued.
///
/// # Example
///
/// ```
/// use handle_table::{AnyTable, HandleError};
///
/// static WATCHES: AnyTable = AnyTable::new();
///
/// let reserved = WATCHES.reserve();
/// let user_data = reserved.handle().to_ptr(); // to C
/// assert!(matches!(WATCHES.get::<i32>(reserved.handle()), Err(HandleError::NotYet { .. })));
/// let handle = reserved.fill(7); // what C has returned
/// assert_eq!(*WATCHES.get::<i32>(handle)?, 7);
/// assert_eq!(user_data, handle.to_ptr());
/// # Ok::<(), HandleError>(())
/// ```
#[must_use = "the handle is never issued if this is dropped"]
pub struct ReservedAny<'t> {
    reserved: Reserved<'t, AnyValue>,
}

impl AnyTable {
    /// Reserves a handle, whose value is to follow; see [`ReservedAny`].
    ///
    /// # Example
    ///
    /// ```
    /// let table = handle_table::AnyTable::new();
    /// let reserved = table.reserve();
    /// let early = reserved.handle();
    /// assert_eq!(reserved.fill("value"), early);
    /// assert_eq!(*table.get::<&str>(early)?, "value");
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
    /// Those of [`HandleTable::reserve`](crate::HandleTable::reserve).
    #[track_caller]
    pub fn reserve(&self) -> ReservedAny<'_> {
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
    /// let table = handle_table::AnyTable::builder().max_handles(1).build();
    /// let reserved = table.try_reserve()?;
    /// assert!(table.try_reserve().is_err()); // a reserved handle counts
    /// let _handle = reserved.fill(7);
    /// # Ok::<(), handle_table::FullError<()>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`FullError`] if the table ran out of handle space.
    ///
    /// # Progress and cost
    ///
    /// Those of [`reserve`](Self::reserve).
    pub fn try_reserve(&self) -> Result<ReservedAny<'_>, FullError<()>> {
        Ok(ReservedAny { reserved: self.table.try_reserve()? })
    }
}

impl ReservedAny<'_> {
    /// The handle that the value will have. It may be given to C at once.
    ///
    /// # Example
    ///
    /// ```
    /// let table = handle_table::AnyTable::new();
    /// let user_data = table.reserve().handle().to_ptr();
    /// assert!(!user_data.is_null());
    /// ```
    #[must_use]
    pub fn handle(&self) -> Handle<dyn Any> {
        self.reserved.handle().cast()
    }

    /// Stores the value, which makes the handle valid.
    ///
    /// # Example
    ///
    /// ```
    /// let table = handle_table::AnyTable::new();
    /// let handle = table.reserve().fill(7_u8);
    /// assert_eq!(table.cloned::<u8>(handle), Ok(7));
    /// ```
    ///
    /// # Progress and cost
    ///
    /// Wait-free, but for the allocator if the value is larger than three words.
    pub fn fill<T: Send + Sync + 'static>(self, value: T) -> Handle<dyn Any> {
        self.reserved.fill(AnyValue::new(value)).cast()
    }
}

impl fmt::Debug for ReservedAny<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReservedAny").field(&self.handle()).finish()
    }
}
