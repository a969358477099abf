//! [`Exclusive`]: the flag with its value.

use std::{fmt, ptr::NonNull};

use super::{borrowed::ExclusiveRefMut, flag::Flag};
use crate::sync::{const_unless_loom, UnsafeCell};

/// A value that one borrower at a time may change: how a value in a table is changed.
///
/// Look-ups of a table give `&T`, since many threads may look at once. In a table of `Exclusive<T>`
/// they also give `&mut T`, by [`call_mut`] and [`get_mut`], to one borrower at a time. A second
/// one, on another thread or further in on the same thread, gets [`HandleError::Busy`] at once. The
/// second case is usual with C: a callback calls into the library, which calls the callback again.
///
/// | a second borrower | of a | a panic in a borrow |
/// |---|---|---|
/// | gets an error | `Exclusive` | ends the borrow |
/// | panics, or gets an error; on one thread | [`RefCell`](std::cell::RefCell) | ends the borrow |
/// | waits, on its own thread for ever; or gets an error | [`Mutex`](std::sync::Mutex) | poisons it |
///
/// Nothing waits, so nothing deadlocks. A panic ends the borrow, and the next borrower finds the
/// value as the panic has left it: there is no poison. A table of `Exclusive<T>` needs `T: Send`
/// alone, and not `Sync`, since no two threads see the `T` at once.
///
/// [`call_mut`]: crate::HandleTable::call_mut
/// [`get_mut`]: crate::HandleTable::get_mut
/// [`HandleError::Busy`]: crate::HandleError::Busy
///
/// # Example
///
/// ```
/// use handle_table::{Exclusive, HandleError, HandleTable};
/// use std::ffi::{c_int, c_void};
///
/// static ROWS: HandleTable<Exclusive<Vec<c_int>>> = HandleTable::new();
///
/// extern "C" fn on_row(row: c_int, user_data: *mut c_void) -> c_int {
///     ROWS.call_mut(user_data, |rows| rows.push(row)).map_or_else(|error| error.code(), |()| 0)
/// }
///
/// let handle = ROWS.insert(Exclusive::new(vec![]));
/// assert_eq!(on_row(7, handle.to_ptr()), 0);
/// let mut rows = ROWS.get_mut(handle)?;
/// assert_eq!(on_row(8, handle.to_ptr()), -5); // busy
/// rows.push(9);
/// assert_eq!(*rows, [7, 9]);
/// # Ok::<(), HandleError>(())
/// ```
///
/// In an [`AnyTable`](crate::AnyTable), in a field, or under a [`Pinned`](crate::Pinned), it is
/// [`try_borrow_mut`](Self::try_borrow_mut) that borrows.
///
/// # What stays busy
///
/// A value whose borrow is leaked, by [`std::mem::forget`], is busy for good. So is, in the child
/// of a `fork`, a value that another thread of the parent was borrowing. Its handle can be deleted
/// all the same.
#[doc(alias = "RefCell")]
#[doc(alias = "Mutex")]
#[doc(alias = "TryLock")]
#[doc(alias = "Cell")]
pub struct Exclusive<T> {
    flag: Flag,
    value: UnsafeCell<T>,
}

// SAFETY: shared references give the value to one borrower at a time, which may be on any thread:
// hence `T: Send`. Borrowers follow on one another by edge "exclusive". `T: Sync` is not needed,
// since no two threads have the value at once.
unsafe impl<T: Send> Sync for Exclusive<T> {}

impl<T> Exclusive<T> {
    const_unless_loom! {
        /// A value that is not borrowed.
        ///
        /// # Example
        ///
        /// ```
        /// use handle_table::Exclusive;
        ///
        /// static LAST_ERROR: Exclusive<String> = Exclusive::new(String::new());
        /// assert!(LAST_ERROR.try_borrow_mut().is_some());
        /// ```
        pub const fn new(value: T) -> Self {
            Self { flag: Flag::new(), value: UnsafeCell::new(value) }
        }
    }

    /// Borrows the value until the [`ExclusiveRefMut`] ends; `None` if it is borrowed already, by
    /// any thread, the calling one included.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::{Exclusive, Handle};
    ///
    /// // In a table of values of any type.
    /// let handle = Handle::new(Exclusive::new(String::from("one")));
    /// let cell = handle.value::<Exclusive<String>>();
    /// let mut name = cell.try_borrow_mut().expect("nobody else has it");
    /// name.push_str(", two");
    /// assert!(cell.try_borrow_mut().is_none());
    /// assert_eq!(*name, "one, two");
    /// handle.delete();
    /// ```
    ///
    /// # Progress and cost
    ///
    /// Wait-free: one compare-exchange, and one store when the borrow ends. Async-signal-safe.
    #[doc(alias = "try_lock")]
    #[doc(alias = "borrow_mut")]
    #[inline]
    pub fn try_borrow_mut(&self) -> Option<ExclusiveRefMut<'_, T>> {
        let borrow = self.flag.try_set()?;
        // SAFETY: a cell is never at null.
        let value = self.value.with_mut(|value| unsafe { NonNull::new_unchecked(value) });
        // SAFETY: the value lives for the lifetime of `&self`, and is the borrower's alone.
        Some(unsafe { ExclusiveRefMut::new(value, borrow) })
    }

    /// The value, for its owner: nobody else can borrow it meanwhile, so it is never busy.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::Exclusive;
    ///
    /// let mut number = Exclusive::new(7);
    /// *number.get_mut() += 1;
    /// assert_eq!(number.into_inner(), 8);
    /// ```
    #[inline]
    pub fn get_mut(&mut self) -> &mut T {
        // SAFETY: `&mut self` shows that no borrow is left, or that it was leaked.
        self.value.with_mut(|value| unsafe { &mut *value })
    }

    /// Takes the value out.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::{Exclusive, HandleTable};
    ///
    /// let full = HandleTable::builder().max_handles(0).build();
    /// let rejected = full.try_insert(Exclusive::new("value")).unwrap_err();
    /// assert_eq!(rejected.into_inner().into_inner(), "value");
    /// ```
    #[inline]
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T> From<T> for Exclusive<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: Default> Default for Exclusive<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

/// Shows the value, which it borrows meanwhile, or `<busy>`.
impl<T: fmt::Debug> fmt::Debug for Exclusive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.try_borrow_mut() {
            Some(value) => f.debug_tuple("Exclusive").field(&*value).finish(),
            None => f.write_str("Exclusive(<busy>)"),
        }
    }
}
