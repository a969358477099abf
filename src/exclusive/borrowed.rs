//! [`ExclusiveRefMut`]: what gives `&mut T` to a borrower.

use std::{
    fmt,
    marker::PhantomData,
    ops::{Deref, DerefMut},
    ptr::NonNull,
};

use super::flag::Borrow;

/// The value of an [`Exclusive`](crate::Exclusive), borrowed until this ends; made by
/// [`try_borrow_mut`](crate::Exclusive::try_borrow_mut). It stays on its thread.
///
/// # Example
///
/// ```
/// use handle_table::{Exclusive, ExclusiveRefMut};
///
/// let cell = Exclusive::new(7);
/// let mut number: ExclusiveRefMut<'_, i32> = cell.try_borrow_mut().unwrap();
/// *number += 1;
/// assert_eq!(format!("{cell:?}"), "Exclusive(<busy>)");
/// drop(number);
/// assert_eq!(format!("{cell:?}"), "Exclusive(8)");
/// ```
#[must_use = "the value is borrowed only while this exists"]
pub struct ExclusiveRefMut<'c, T: ?Sized> {
    /// A pointer, not a reference, since the next borrower may have the value the moment `borrow`
    /// is gone.
    value: NonNull<T>,
    borrow: Borrow<'c>,
    _value: PhantomData<&'c mut T>,
}

impl<'c, T: ?Sized> ExclusiveRefMut<'c, T> {
    /// # Safety
    ///
    /// `value` lives for `'c`, and nobody but the holder of `borrow` has access to it.
    #[inline]
    pub(super) unsafe fn new(value: NonNull<T>, borrow: Borrow<'c>) -> Self {
        Self { value, borrow, _value: PhantomData }
    }

    /// A part of the value; the whole stays borrowed. A function, not a method: a value may have a
    /// `map` of its own.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::{Exclusive, ExclusiveRefMut};
    ///
    /// let cell = Exclusive::new((1, String::from("two")));
    /// let mut name = ExclusiveRefMut::map(cell.try_borrow_mut().unwrap(), |pair| &mut pair.1);
    /// name.push_str(", three");
    /// drop(name);
    /// assert_eq!(cell.into_inner().1, "two, three");
    /// ```
    #[inline]
    pub fn map<U: ?Sized>(
        mut this: Self,
        f: impl FnOnce(&mut T) -> &mut U,
    ) -> ExclusiveRefMut<'c, U> {
        let value = NonNull::from(f(&mut *this));
        // SAFETY: `f` made it from the value, for any lifetime, so it is a part of the value, or
        // lives longer; and nobody else gets to the value before `borrow` ends.
        unsafe { ExclusiveRefMut::new(value, this.borrow) }
    }

    /// A part of the value that may not be there, or the error of `f`.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::{Exclusive, ExclusiveRefMut};
    ///
    /// let cell = Exclusive::new(vec![1, 2, 3]);
    /// let list = cell.try_borrow_mut().unwrap();
    /// let ninth = ExclusiveRefMut::try_map(list, |list| list.get_mut(8).ok_or("too short"));
    /// assert_eq!(ninth.err(), Some("too short"));
    /// assert!(cell.try_borrow_mut().is_some());
    /// ```
    ///
    /// # Errors
    ///
    /// Those of `f`. The borrow ends then.
    #[inline]
    pub fn try_map<U: ?Sized, E>(
        mut this: Self,
        f: impl FnOnce(&mut T) -> Result<&mut U, E>,
    ) -> Result<ExclusiveRefMut<'c, U>, E> {
        let value = NonNull::from(f(&mut *this)?);
        // SAFETY: as for `map`.
        Ok(unsafe { ExclusiveRefMut::new(value, this.borrow) })
    }
}

impl<T: ?Sized> Deref for ExclusiveRefMut<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the promise of `new`, and `borrow` is here.
        unsafe { self.value.as_ref() }
    }
}

impl<T: ?Sized> DerefMut for ExclusiveRefMut<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the promise of `new`, and `borrow` is here.
        unsafe { self.value.as_mut() }
    }
}

impl<T: ?Sized> AsRef<T> for ExclusiveRefMut<'_, T> {
    #[inline]
    fn as_ref(&self) -> &T {
        self
    }
}

impl<T: ?Sized> AsMut<T> for ExclusiveRefMut<'_, T> {
    #[inline]
    fn as_mut(&mut self) -> &mut T {
        self
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for ExclusiveRefMut<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for ExclusiveRefMut<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
