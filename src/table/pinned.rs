//! What keeps a value alive while it is looked at: [`Ref`], one value and a pin of its own;
//! [`Pinned`], one pin for many look-ups.

use std::{fmt, iter::FusedIterator, marker::PhantomData, ops::Deref, ptr::NonNull};

use crate::{
    epoch::Guard,
    error::HandleError,
    handle::Handle,
    inner::{Inner, Lookup, OnceInner, Position},
};

/// A value in a table, kept alive while this exists, even if its handle is deleted meanwhile.
///
/// It is not `Send`, since it pins the thread that made it. While *any* thread holds one, no value
/// that is deleted meanwhile is dropped, in *any* table. So hold it for the length of a callback,
/// not of an event loop; [`HandleTable::get`](crate::HandleTable::get) shows what to do there.
///
/// Its end may run `Drop`s: if it is the last `Ref` or [`Pinned`] of its thread, the thread drops
/// what was deleted meanwhile and waits for no other reader. See
/// [where a `Drop` runs](crate::HandleTable#where-a-drop-runs): do not end it under a lock that a
/// value's `Drop` takes. If nothing waits, its end is wait-free.
///
/// # Example
///
/// ```
/// use handle_table::{HandleTable, Ref};
///
/// let table = HandleTable::new();
/// let handle = table.insert(String::from("value"));
/// let value: Ref<'_, String> = table.get(handle)?;
/// table.remove(handle)?;
/// assert_eq!(*value, "value"); // deleted, and not yet dropped
/// assert_eq!(table.stats().pending, 1);
/// drop(value); // this was the last reader: it drops the string
/// assert_eq!(table.stats().pending, 0);
/// # Ok::<(), handle_table::HandleError>(())
/// ```
#[must_use = "a `Ref` that is not used only delays drops"]
pub struct Ref<'t, T: ?Sized> {
    /// A pointer, not a reference, since the value may be gone the moment `guard` is.
    value: NonNull<T>,
    guard: Guard,
    _value: PhantomData<&'t T>,
}

impl<'t, T: ?Sized> Ref<'t, T> {
    /// # Safety
    ///
    /// `value` stays alive while `guard` is pinned, or for `'t`, whichever ends first.
    #[inline]
    pub(super) unsafe fn new(value: NonNull<T>, guard: Guard) -> Self {
        Self { value, guard, _value: PhantomData }
    }

    /// The value, and the guard that keeps it alive.
    #[inline]
    pub(super) fn into_parts(self) -> (NonNull<T>, Guard) {
        (self.value, self.guard)
    }

    /// A part of the value. A function, not a method: a value may have a `map` of its own.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::{HandleTable, Ref};
    ///
    /// let table = HandleTable::new();
    /// let handle = table.insert((1, String::from("two")));
    /// let name: Ref<'_, String> = Ref::map(table.get(handle)?, |pair| &pair.1);
    /// assert_eq!(*name, "two");
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    #[inline]
    pub fn map<U: ?Sized>(this: Self, f: impl FnOnce(&T) -> &U) -> Ref<'t, U> {
        let value = NonNull::from(f(&*this));
        // SAFETY: `f` made it from the value, for any lifetime, so it lives as long as the value.
        unsafe { Ref::new(value, this.guard) }
    }

    /// A part of the value that may not be there, or the error of `f`.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::{HandleTable, Ref};
    ///
    /// let table = HandleTable::new();
    /// let handle = table.insert(vec![1, 2, 3]);
    /// let second = Ref::try_map(table.get(handle)?, |list| list.get(1).ok_or("too short"));
    /// assert_eq!(second.as_deref(), Ok(&2));
    /// let ninth = Ref::try_map(table.get(handle)?, |list| list.get(8).ok_or("too short"));
    /// assert_eq!(ninth.err(), Some("too short"));
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of `f`. The value is let go then.
    #[inline(always)]
    pub fn try_map<U: ?Sized, E>(
        this: Self,
        f: impl FnOnce(&T) -> Result<&U, E>,
    ) -> Result<Ref<'t, U>, E> {
        let value = NonNull::from(f(&*this)?);
        // SAFETY: `f` made it from the value, for any lifetime, so it lives as long as the value.
        Ok(unsafe { Ref::new(value, this.guard) })
    }
}

impl<T: ?Sized> Deref for Ref<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the promise of `new`; the guard is here, and the table is borrowed for `'t`.
        unsafe { self.value.as_ref() }
    }
}

impl<T: ?Sized> AsRef<T> for Ref<'_, T> {
    #[inline]
    fn as_ref(&self) -> &T {
        self
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Ref<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for Ref<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// One pin, shared by many look-ups; made by [`HandleTable::pin`](crate::HandleTable::pin).
///
/// Under a `Pinned` a look-up is a few loads, and writes nothing. It is not `Send`. While it
/// exists, no value that is deleted after it was made is dropped, in any table: a loop should call
/// [`repin`](Self::repin) once per turn. Like the end of a [`Ref`], its end may run `Drop`s.
///
/// # Example
///
/// ```
/// use handle_table::HandleTable;
///
/// let table = HandleTable::new();
/// let handles: Vec<_> = (0..4).map(|n| table.insert(n)).collect();
///
/// let mut pinned = table.pin();
/// for turn in 0..3 {
///     let sum: i32 = handles.iter().map(|&h| pinned.get(h).copied().unwrap_or(0)).sum();
///     assert_eq!(sum, 6);
///     pinned.repin(); // what was deleted meanwhile may be dropped now
/// }
/// ```
#[must_use = "a `Pinned` that is not used only delays drops"]
pub struct Pinned<'t, T> {
    inner: &'t OnceInner<T>,
    /// Stored here, not behind a pointer, so that a loop of look-ups can keep it in registers.
    lookup: Lookup<'t, T>,
    guard: Guard,
}

impl<'t, T> Pinned<'t, T> {
    #[inline]
    pub(super) fn new(inner: &'t OnceInner<T>, guard: Guard) -> Self {
        Self { inner, lookup: inner.lookup(), guard }
    }

    /// The value of `handle`, borrowed from this pin.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::HandleTable;
    ///
    /// let table = HandleTable::new();
    /// let handle = table.insert(7);
    /// let pinned = table.pin();
    /// let value: &i32 = pinned.get(handle)?;
    /// assert_eq!(*value, 7);
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`HandleError::Deleted`] if the handle was deleted, [`HandleError::Unknown`] if the table
    /// never issued it.
    ///
    /// # Progress and cost
    ///
    /// Wait-free: a few loads, and no write at all.
    #[inline]
    pub fn get(&self, handle: Handle<T>) -> Result<&T, HandleError> {
        match self.lookup.get(handle.raw(), &self.guard) {
            Some(value) => Ok(value),
            None => self.get_again(handle),
        }
    }

    /// Retries with a fresh view of the table, which may have been empty when this was pinned; else
    /// gives the error.
    #[cold]
    #[inline(never)]
    fn get_again(&self, handle: Handle<T>) -> Result<&T, HandleError> {
        let value = self.inner.lookup().get(handle.raw(), &self.guard);
        value.ok_or_else(|| self.inner.explain(handle.raw()))
    }

    /// Gives up everything seen so far and pins anew. What was deleted meanwhile is dropped now, on
    /// this thread, unless another reader is in the way.
    ///
    /// Takes `&mut self`, so that no reference from before is left. While the thread holds another
    /// `Ref` or `Pinned` it has no effect.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::HandleTable;
    ///
    /// let table = HandleTable::new();
    /// let mut pinned = table.pin();
    /// let handle = table.insert(7);
    /// pinned.repin();
    /// assert_eq!(pinned.get(handle), Ok(&7));
    /// ```
    ///
    /// # Progress and cost
    ///
    /// Wait-free, but for the `Drop`s that it may run (see [where a `Drop`
    /// runs](crate::HandleTable#where-a-drop-runs)). Costs what the pin of a look-up costs.
    #[inline]
    pub fn repin(&mut self) {
        self.guard.repin();
        self.lookup = self.inner.lookup();
    }

    /// The valid handles and their values, in no particular order.
    ///
    /// Weakly consistent: a value that is live for all of the iteration is seen exactly once; one
    /// that is inserted or deleted meanwhile is seen once or not at all. Nothing seen is dropped
    /// before the pin is gone, even if it is deleted meanwhile. The iteration ends, also if each
    /// of its steps inserts.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::HandleTable;
    ///
    /// let table = HandleTable::new();
    /// let handle = table.insert("one");
    /// let pinned = table.pin();
    /// assert_eq!(pinned.iter().collect::<Vec<_>>(), [(handle, &"one")]);
    /// ```
    ///
    /// # Progress and cost
    ///
    /// Lock-free. Takes time for every slot that was ever in use, live or not.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { inner: self.inner.get(), guard: &self.guard, position: Position::default() }
    }
}

impl<T> fmt::Debug for Pinned<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pinned").finish_non_exhaustive()
    }
}

impl<'p, T> IntoIterator for &'p Pinned<'_, T> {
    type Item = (Handle<T>, &'p T);
    type IntoIter = Iter<'p, T>;

    fn into_iter(self) -> Iter<'p, T> {
        self.iter()
    }
}

/// The valid handles and values of a table; made by [`Pinned::iter`].
///
/// # Example
///
/// ```
/// use handle_table::HandleTable;
///
/// let table = HandleTable::new();
/// table.insert(3);
/// table.insert(4);
/// let pinned = table.pin();
/// let sum: i32 = pinned.iter().map(|(_, value)| value).sum();
/// assert_eq!(sum, 7);
/// ```
#[must_use = "iterators are lazy"]
pub struct Iter<'p, T> {
    inner: Option<&'p Inner<T>>,
    guard: &'p Guard,
    position: Position,
}

impl<'p, T> Iterator for Iter<'p, T> {
    type Item = (Handle<T>, &'p T);

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.inner?.next_live(&mut self.position, self.guard);
        if next.is_none() {
            // It ends once, although there may be more by now.
            self.inner = None;
        }
        next.map(|(handle, value)| (Handle::of(handle), value))
    }
}

impl<T> FusedIterator for Iter<'_, T> {}

impl<T> fmt::Debug for Iter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").finish_non_exhaustive()
    }
}
