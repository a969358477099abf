//! [`Drain`]: all values, one after the other.

use std::{fmt, iter::FusedIterator};

use super::table::OnceTable;
use crate::{
    handle::Handle,
    inner::{Inner, OnceValue, Position},
};

impl<T> OnceTable<T> {
    /// Takes all values, one after the other: to call each callback with "cancelled", say. What is
    /// left when the iterator is dropped is removed.
    ///
    /// Weakly consistent: a value that is live for all of the iteration is taken exactly once; one
    /// that is inserted meanwhile is taken or left; one that another thread takes meanwhile goes to
    /// that thread or to the iterator, and never to both.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::OnceTable;
    ///
    /// let table: OnceTable<Box<dyn FnOnce(bool) + Send>> = OnceTable::new();
    /// let handles = [(); 3].map(|()| table.insert(Box::new(|fired| assert!(!fired))));
    /// for (handle, callback) in table.drain() {
    ///     assert!(handles.contains(&handle));
    ///     callback(false);
    /// }
    /// assert!(table.is_empty());
    /// ```
    ///
    /// # Progress and cost
    ///
    /// Lock-free, but for the `Drop`s of what is left when the iterator is dropped. Takes time for
    /// every slot that was ever in use, live or not.
    #[doc(alias = "clear")]
    pub fn drain(&self) -> Drain<'_, T> {
        Drain { inner: self.inner.get(), position: Position::default() }
    }
}

/// The handles and values of a [`OnceTable`], taken one after the other; made by
/// [`OnceTable::drain`].
///
/// When it is dropped, what is left is removed from the table and dropped; a `Drop` that panics
/// then goes no further. If it is leaked, by [`std::mem::forget`], the rest stays in the table.
///
/// # Example
///
/// ```
/// use handle_table::OnceTable;
///
/// let table = OnceTable::new();
/// let handles = [1, 2, 3].map(|number| table.insert(number));
/// let first = table.drain().next(); // and the other two are removed
/// assert!(first.is_some_and(|(handle, _)| handles.contains(&handle)));
/// assert!(table.is_empty());
/// ```
pub struct Drain<'t, T> {
    inner: Option<&'t Inner<OnceValue<T>>>,
    position: Position,
}

impl<T> Iterator for Drain<'_, T> {
    type Item = (Handle<T>, T);

    fn next(&mut self) -> Option<Self::Item> {
        let unlinked = self.inner?.unlink_next(&mut self.position)?;
        Some((Handle::of(unlinked.handle()), unlinked.take()))
    }
}

impl<T> FusedIterator for Drain<'_, T> {}

impl<T> Drop for Drain<'_, T> {
    fn drop(&mut self) {
        if let Some(inner) = self.inner {
            while let Some(unlinked) = inner.unlink_next(&mut self.position) {
                unlinked.drop_value();
            }
        }
    }
}

impl<T> fmt::Debug for Drain<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drain").finish_non_exhaustive()
    }
}
