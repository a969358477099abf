//! [`PinnedAny`]: one pin for many look-ups and for iteration.

use std::{any::Any, fmt, iter::FusedIterator};

use super::value::AnyValue;
use crate::{
    error::HandleError,
    handle::Handle,
    table::{Iter, Pinned},
};

/// One pin, shared by many look-ups; made by [`AnyTable::pin`](crate::AnyTable::pin).
///
/// It is what [`Pinned`] is for a table of one type. It is not `Send`. While it exists, no value
/// that is deleted after it was made is dropped, in any table: a loop should call
/// [`repin`](Self::repin) once per turn.
///
/// # Example
///
/// ```
/// let table = handle_table::AnyTable::new();
/// let (one, two) = (table.insert(1_u32), table.insert(String::from("two")));
///
/// let mut pinned = table.pin();
/// for turn in 0..3 {
///     assert_eq!(*pinned.get::<u32>(one)?, 1);
///     assert_eq!(pinned.get::<String>(two)?, "two");
///     pinned.repin(); // what was deleted meanwhile may be dropped now
/// }
/// # Ok::<(), handle_table::HandleError>(())
/// ```
#[must_use = "a `PinnedAny` that is not used only delays drops"]
pub struct PinnedAny<'t> {
    pinned: Pinned<'t, AnyValue>,
}

impl<'t> PinnedAny<'t> {
    #[inline]
    pub(super) fn new(pinned: Pinned<'t, AnyValue>) -> Self {
        Self { pinned }
    }

    /// The value of `handle`, which must be a `T`, borrowed from this pin.
    ///
    /// # Example
    ///
    /// ```
    /// let table = handle_table::AnyTable::new();
    /// let handle = table.insert(7_u32);
    /// let pinned = table.pin();
    /// let value: &u32 = pinned.get(handle)?;
    /// assert_eq!(*value, 7);
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`AnyTable::get`](crate::AnyTable::get).
    ///
    /// # Progress and cost
    ///
    /// Wait-free: some loads, and a comparison of types.
    #[doc(alias = "downcast")]
    #[inline]
    pub fn get<T: 'static>(&self, handle: Handle<dyn Any>) -> Result<&T, HandleError> {
        self.pinned.get(handle.cast())?.get(handle.raw())
    }

    /// Gives up everything seen so far and pins anew. What was deleted meanwhile is dropped now, on
    /// this thread, unless another reader is in the way.
    ///
    /// Takes `&mut self`, so that no reference from before is left. While the thread holds another
    /// [`Ref`](crate::Ref) or pin it has no effect.
    ///
    /// # Example
    ///
    /// ```
    /// let table = handle_table::AnyTable::new();
    /// let mut pinned = table.pin();
    /// let handle = table.insert(7);
    /// pinned.repin();
    /// assert_eq!(pinned.get(handle), Ok(&7));
    /// ```
    ///
    /// # Progress and cost
    ///
    /// Those of [`Pinned::repin`].
    #[inline]
    pub fn repin(&mut self) {
        self.pinned.repin();
    }

    /// The valid handles and their values, of all types, in no particular order.
    ///
    /// Weakly consistent, as [`Pinned::iter`] is: a value that is live for all of the iteration is
    /// seen exactly once.
    ///
    /// # Example
    ///
    /// ```
    /// let table = handle_table::AnyTable::new();
    /// let _handles = (table.insert("text"), table.insert(3_u32), table.insert(4_u32));
    /// let pinned = table.pin();
    /// let numbers = pinned.iter().filter_map(|(_, value)| value.downcast_ref::<u32>());
    /// assert_eq!(numbers.sum::<u32>(), 7);
    /// ```
    ///
    /// # Progress and cost
    ///
    /// Lock-free. Takes time for every slot that was ever in use, live or not.
    pub fn iter(&self) -> IterAny<'_> {
        IterAny { iter: self.pinned.iter() }
    }
}

impl fmt::Debug for PinnedAny<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PinnedAny").finish_non_exhaustive()
    }
}

impl<'p> IntoIterator for &'p PinnedAny<'_> {
    type Item = (Handle<dyn Any>, &'p (dyn Any + Send + Sync));
    type IntoIter = IterAny<'p>;

    fn into_iter(self) -> IterAny<'p> {
        self.iter()
    }
}

/// The valid handles and values of a table of any type; made by [`PinnedAny::iter`].
///
/// # Example
///
/// ```
/// let table = handle_table::AnyTable::new();
/// let handle = table.insert(String::from("value"));
/// for (found, value) in &table.pin() {
///     assert_eq!(found, handle);
///     assert_eq!(value.downcast_ref::<String>().unwrap(), "value");
/// }
/// ```
#[must_use = "iterators are lazy"]
pub struct IterAny<'p> {
    iter: Iter<'p, AnyValue>,
}

impl<'p> Iterator for IterAny<'p> {
    type Item = (Handle<dyn Any>, &'p (dyn Any + Send + Sync));

    fn next(&mut self) -> Option<Self::Item> {
        let (handle, any) = self.iter.next()?;
        Some((handle.cast(), any.as_any()))
    }
}

impl FusedIterator for IterAny<'_> {}

impl fmt::Debug for IterAny<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IterAny").finish_non_exhaustive()
    }
}
