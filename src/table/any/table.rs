//! [`AnyTable`]: the type, its settings, and its look-ups.

use std::{any::Any, fmt, ptr::NonNull};

use super::{pinned::PinnedAny, value::AnyValue};
use crate::{
    epoch,
    error::HandleError,
    handle::Handle,
    stats::Stats,
    sync::const_unless_loom,
    table::{Builder, HandleTable, Ref},
};

/// A table of values of any type, each named by a [`Handle<dyn Any>`](Handle).
///
/// It is what [`HandleTable`] is for one type: look there for when values are dropped, and for
/// progress, cost and limits. Each look-up names the type that it wants, and gets
/// [`HandleError::WrongType`] for a value of another. A delete needs no type.
///
/// A value of up to three words lies in its slot, a larger one in a box of its own. All values are
/// dropped as those with something to drop are, also numbers.
///
/// The table of [`Handle::new`] is one, too: [`AnyTable::global`].
///
/// # Example
///
/// ```
/// use handle_table::{AnyTable, HandleError};
///
/// static OBJECTS: AnyTable = AnyTable::new();
///
/// let name = OBJECTS.insert(String::from("value"));
/// let number = OBJECTS.insert(7_u32);
/// assert_eq!(*OBJECTS.get::<String>(name)?, "value");
/// assert_eq!(*OBJECTS.get::<u32>(number)?, 7);
/// assert!(matches!(OBJECTS.get::<u32>(name), Err(HandleError::WrongType { .. })));
/// # Ok::<(), HandleError>(())
/// ```
#[doc(alias = "heterogeneous")]
#[doc(alias = "TypeId")]
pub struct AnyTable {
    pub(super) table: HandleTable<AnyValue>,
}

#[cfg(not(loom))]
static GLOBAL: AnyTable = AnyTable::new();
#[cfg(loom)]
loom::lazy_static! {
    static ref GLOBAL: AnyTable = AnyTable::new();
}

impl AnyTable {
    const_unless_loom! {
        /// An empty table, with a number of shards that suits the machine.
        ///
        /// # Example
        ///
        /// ```
        /// use handle_table::AnyTable;
        ///
        /// static OBJECTS: AnyTable = AnyTable::new();
        /// assert!(OBJECTS.is_empty());
        /// ```
        pub const fn new() -> Self {
            Self { table: HandleTable::new() }
        }
    }

    /// Begins an empty table with settings; [`Builder`] has them.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::AnyTable;
    ///
    /// static ONE: AnyTable = AnyTable::builder().max_handles(1).build();
    ///
    /// assert!(ONE.try_insert("first").is_ok());
    /// assert_eq!(ONE.try_insert(2).unwrap_err().into_inner(), 2);
    /// ```
    pub const fn builder() -> Builder<Self> {
        Builder::new()
    }

    /// The process-wide table, that of [`Handle::new`].
    ///
    /// Its handles have a type of their own, [`Handle<Global>`](crate::Global), or `Handle` for
    /// short. For a verb of this table, make one of the integer.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::{AnyTable, Handle};
    ///
    /// let handle = Handle::new(String::from("value"));
    /// assert_eq!(AnyTable::global().len(), 1);
    /// assert!(AnyTable::global().contains(Handle::from_raw(handle.to_raw())?));
    /// handle.delete();
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    #[inline]
    #[must_use]
    pub fn global() -> &'static Self {
        &GLOBAL
    }

    /// The value of `handle`, which must be a `T`, kept alive while the [`Ref`] exists.
    ///
    /// Don't hold the `Ref` for long; [`HandleTable::get`] says why, and what to do instead.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::{AnyTable, HandleError};
    ///
    /// let table = AnyTable::new();
    /// let handle = table.insert(7_u32);
    /// assert_eq!(*table.get::<u32>(handle)?, 7);
    /// let error = table.get::<i32>(handle).unwrap_err();
    /// assert!(error.to_string().contains("asked for `i32`, it holds `u32`"));
    /// # Ok::<(), HandleError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Any integer is safe to ask for. [`HandleError::WrongType`] if the value is no `T`, and those
    /// of [`HandleTable::get`].
    ///
    /// # Progress and cost
    ///
    /// Those of [`HandleTable::get`], and a comparison of types.
    // Finds the slot under the pin, not ahead of it: so no register is live across the pin, and
    // these look-ups have more to keep than those of a table of one type.
    #[doc(alias = "downcast")]
    #[inline(always)]
    pub fn get<T: 'static>(&self, handle: Handle<dyn Any>) -> Result<Ref<'_, T>, HandleError> {
        let raw = handle.raw();
        let guard = epoch::pin();
        match self.table.inner.lookup().get(raw, &guard) {
            Some(value) => {
                // SAFETY: the value lives while the guard is pinned, and the `Ref` keeps the guard.
                let value = unsafe { Ref::new(NonNull::from(value), guard) };
                Ref::try_map(value, |any| any.get::<T>(raw))
            }
            None => Err(self.table.inner.explain(raw)),
        }
    }

    /// Calls `f` with the value, which must be a `T`, in a signal handler; see
    /// [`HandleTable::get_in_signal`] for what a handler may do.
    ///
    /// # Example
    ///
    /// ```
    /// let table = handle_table::AnyTable::new();
    /// let handle = table.insert(7_u32);
    /// assert_eq!(table.get_in_signal(handle, |number: &u32| number + 1), Ok(8));
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get).
    ///
    /// # Panics
    ///
    /// If `f` panics.
    ///
    /// # Progress and cost
    ///
    /// Those of [`HandleTable::get_in_signal`], and a comparison of types.
    pub fn get_in_signal<T: 'static, R>(
        &self,
        handle: Handle<dyn Any>,
        f: impl FnOnce(&T) -> R,
    ) -> Result<R, HandleError> {
        let raw = handle.raw();
        self.table.get_in_signal(handle.cast(), |any| any.get::<T>(raw).map(f))?
    }

    /// Pins once for many look-ups, and for iteration; see [`PinnedAny`].
    ///
    /// # Example
    ///
    /// ```
    /// let table = handle_table::AnyTable::new();
    /// let (one, two) = (table.insert(1_u8), table.insert(2_u32));
    /// let pinned = table.pin();
    /// assert_eq!(u32::from(*pinned.get::<u8>(one)?) + pinned.get::<u32>(two)?, 3);
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    ///
    /// # Progress and cost
    ///
    /// Those of [`HandleTable::pin`].
    #[inline]
    pub fn pin(&self) -> PinnedAny<'_> {
        PinnedAny::new(self.table.pin())
    }

    /// A clone of the value of `handle`, which must be a `T`. Nothing stays pinned.
    ///
    /// # Example
    ///
    /// ```
    /// let table = handle_table::AnyTable::new();
    /// let handle = table.insert(String::from("value"));
    /// assert_eq!(table.cloned::<String>(handle)?, "value");
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get).
    ///
    /// # Panics
    ///
    /// If the value's `clone` panics.
    ///
    /// # Progress and cost
    ///
    /// Those of [`get`](Self::get), and of the clone.
    pub fn cloned<T: Clone + 'static>(&self, handle: Handle<dyn Any>) -> Result<T, HandleError> {
        self.get::<T>(handle).map(|value| T::clone(&value))
    }

    /// Whether `handle` is valid at this moment, whichever type its value has.
    ///
    /// # Example
    ///
    /// ```
    /// let table = handle_table::AnyTable::new();
    /// let handle = table.insert(7);
    /// assert!(table.contains(handle));
    /// table.remove(handle)?;
    /// assert!(!table.contains(handle));
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    ///
    /// # Progress and cost
    ///
    /// Wait-free, and needs no pin: some loads. Async-signal-safe.
    #[inline]
    pub fn contains(&self, handle: Handle<dyn Any>) -> bool {
        self.table.contains(handle.cast())
    }

    /// How many handles are valid; as exact as [`HandleTable::len`].
    ///
    /// # Example
    ///
    /// ```
    /// let table = handle_table::AnyTable::new();
    /// let _handles = (table.insert(7), table.insert("seven"));
    /// assert_eq!(table.len(), 2);
    /// ```
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether no handle is valid: [`len`](Self::len) is zero.
    ///
    /// # Example
    ///
    /// ```
    /// assert!(handle_table::AnyTable::new().is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Counts what the table holds. Takes time for every slot that was ever in use. For the types
    /// of the values see [`stats_by_type`](Self::stats_by_type).
    ///
    /// # Example
    ///
    /// ```
    /// let table = handle_table::AnyTable::new();
    /// let _handle = table.insert(7);
    /// assert_eq!((table.stats().live, table.stats().pending), (1, 0));
    /// ```
    pub fn stats(&self) -> Stats {
        self.table.stats()
    }
}

impl Default for AnyTable {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for AnyTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyTable").field("len", &self.len()).finish_non_exhaustive()
    }
}
