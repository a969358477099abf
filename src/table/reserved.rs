//! [`Reserved`]: a handle that is known before its value is there.

use std::fmt;

use crate::{handle::Handle, inner::Reservation};

/// A handle without a value yet; made by [`HandleTable::reserve`](crate::HandleTable::reserve).
///
/// For C that wants its user data before the value can be made, or calls back while it is made.
/// Until [`fill`](Self::fill), look-ups of the handle get
/// [`HandleError::NotYet`](crate::HandleError::NotYet). If this is dropped, the handle is never
/// issued, and look-ups get [`HandleError::Deleted`](crate::HandleError::Deleted). Another thread
/// may fill it.
///
/// # Example
///
/// ```
/// use handle_table::{HandleError, HandleTable};
/// use std::ffi::c_void;
///
/// struct Watch { descriptor: i32 }
/// static WATCHES: HandleTable<Watch> = HandleTable::new();
///
/// /// C's: returns a descriptor for the callback, or -1.
/// fn add_watch(user_data: *mut c_void) -> i32 {
///     assert!(!user_data.is_null());
///     7
/// }
///
/// let reserved = WATCHES.reserve();
/// assert!(matches!(WATCHES.get(reserved.handle()), Err(HandleError::NotYet { .. })));
/// let descriptor = add_watch(reserved.handle().to_ptr());
/// if descriptor < 0 {
///     // An early return here would drop `reserved`, and nothing is leaked.
/// }
/// let handle = reserved.fill(Watch { descriptor });
/// assert_eq!(WATCHES.get(handle)?.descriptor, 7);
/// # Ok::<(), HandleError>(())
/// ```
#[must_use = "the handle is never issued if this is dropped"]
pub struct Reserved<'t, T> {
    reservation: Reservation<'t, T>,
}

impl<'t, T> Reserved<'t, T> {
    pub(super) fn new(reservation: Reservation<'t, T>) -> Self {
        Self { reservation }
    }
}

impl<T> Reserved<'_, T> {
    /// The handle that the value will have. It may be given to C at once.
    ///
    /// # Example
    ///
    /// ```
    /// let table = handle_table::HandleTable::<u32>::new();
    /// let user_data = table.reserve().handle().to_ptr();
    /// assert!(!user_data.is_null());
    /// ```
    #[must_use]
    pub fn handle(&self) -> Handle<T> {
        Handle::of(self.reservation.handle())
    }

    /// Stores the value, which makes the handle valid.
    ///
    /// # Example
    ///
    /// ```
    /// let table = handle_table::HandleTable::new();
    /// let handle = table.reserve().fill(7);
    /// assert_eq!(table.cloned(handle), Ok(7));
    /// ```
    ///
    /// # Progress and cost
    ///
    /// Wait-free, but for the allocator if the value is larger than 64 bytes.
    pub fn fill(self, value: T) -> Handle<T> {
        Handle::of(self.reservation.fill(value))
    }
}

impl<T> fmt::Debug for Reserved<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reserved").field(&self.handle()).finish()
    }
}
