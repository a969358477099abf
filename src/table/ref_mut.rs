//! [`RefMut`]: what keeps a value alive while it is changed.

use std::{
    fmt,
    ops::{Deref, DerefMut},
};

use super::pinned::Ref;
use crate::{
    epoch::Guard,
    exclusive::{Exclusive, ExclusiveRefMut},
};

/// The value of an [`Exclusive`] in a table, borrowed until this ends, and kept alive, even if its
/// handle is deleted meanwhile; made by [`HandleTable::get_mut`](crate::HandleTable::get_mut).
///
/// What is said of [`Ref`] holds: it is not `Send`; while it exists, no value that is deleted
/// meanwhile is dropped, in any table; and its end may run `Drop`s. The borrow ends first, so those
/// `Drop`s may borrow the value again, if it is still there.
///
/// One that is leaked by [`std::mem::forget`] leaves the value busy for good, and stops the drops
/// of what is deleted from then on, as a leaked [`Ref`] does. The handle can be deleted, but its
/// value is not dropped then; the drop of the table drops it.
///
/// # Example
///
/// ```
/// use handle_table::{Exclusive, HandleError, HandleTable, RefMut};
///
/// let table = HandleTable::new();
/// let handle = table.insert(Exclusive::new(String::from("one")));
/// let mut value: RefMut<'_, String> = table.get_mut(handle)?;
/// value.push_str(", two");
/// assert!(matches!(table.get_mut(handle), Err(HandleError::Busy { .. })));
/// table.remove(handle)?;
/// assert_eq!(*value, "one, two"); // deleted, and not yet dropped
/// # Ok::<(), HandleError>(())
/// ```
#[must_use = "a `RefMut` that is not used only keeps others from the value, and delays drops"]
pub struct RefMut<'t, T: ?Sized> {
    // Dropped first: the value, and the flag beside it, may be gone the moment `guard` is.
    borrowed: ExclusiveRefMut<'t, T>,
    guard: Guard,
}

impl<'t, T> RefMut<'t, T> {
    /// `None` if the value is borrowed already.
    #[inline]
    pub(super) fn new(value: Ref<'t, Exclusive<T>>) -> Option<Self> {
        let (value, guard) = value.into_parts();
        // SAFETY: the promise of `Ref::new`. `borrowed` is gone before `guard` is, and nothing of
        // it is given out but references that the borrow checker ends with the `RefMut`.
        let borrowed = unsafe { value.as_ref() }.try_borrow_mut()?;
        Some(Self { borrowed, guard })
    }
}

impl<'t, T: ?Sized> RefMut<'t, T> {
    /// A part of the value; the whole stays borrowed. A function, not a method: a value may have a
    /// `map` of its own.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::{Exclusive, HandleTable, RefMut};
    ///
    /// let table = HandleTable::new();
    /// let handle = table.insert(Exclusive::new((1, String::from("two"))));
    /// let mut name: RefMut<'_, String> = RefMut::map(table.get_mut(handle)?, |pair| &mut pair.1);
    /// name.push_str(", three");
    /// drop(name);
    /// assert_eq!(table.get_mut(handle)?.1, "two, three");
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    #[inline]
    pub fn map<U: ?Sized>(this: Self, f: impl FnOnce(&mut T) -> &mut U) -> RefMut<'t, U> {
        let Self { borrowed, guard } = this;
        RefMut { borrowed: ExclusiveRefMut::map(borrowed, f), guard }
    }

    /// A part of the value that may not be there, or the error of `f`.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::{Exclusive, HandleTable, RefMut};
    ///
    /// let table = HandleTable::new();
    /// let handle = table.insert(Exclusive::new(vec![1, 2, 3]));
    /// let second = RefMut::try_map(table.get_mut(handle)?, |list| list.get_mut(1).ok_or("short"));
    /// *second.unwrap() += 7;
    /// let ninth = RefMut::try_map(table.get_mut(handle)?, |list| list.get_mut(8).ok_or("short"));
    /// assert_eq!(ninth.err(), Some("short"));
    /// assert_eq!(*table.get_mut(handle)?, [1, 9, 3]);
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of `f`. The value is let go then.
    #[inline]
    pub fn try_map<U: ?Sized, E>(
        this: Self,
        f: impl FnOnce(&mut T) -> Result<&mut U, E>,
    ) -> Result<RefMut<'t, U>, E> {
        let Self { borrowed, guard } = this;
        Ok(RefMut { borrowed: ExclusiveRefMut::try_map(borrowed, f)?, guard })
    }
}

impl<T: ?Sized> Deref for RefMut<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.borrowed
    }
}

impl<T: ?Sized> DerefMut for RefMut<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.borrowed
    }
}

impl<T: ?Sized> AsRef<T> for RefMut<'_, T> {
    #[inline]
    fn as_ref(&self) -> &T {
        self
    }
}

impl<T: ?Sized> AsMut<T> for RefMut<'_, T> {
    #[inline]
    fn as_mut(&mut self) -> &mut T {
        self
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RefMut<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for RefMut<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
