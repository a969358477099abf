//! [`Handle`]: the integer that C keeps.

use std::{ffi::c_void, fmt, num::NonZeroUsize, ptr};

use crate::{config::LIVE, error::HandleError, slots::LiveState};

/// A pointer-sized, non-zero integer that names a value in a table.
///
/// C code stores it where it stores a `void *` or `uintptr_t`, copies it, keeps it too long or
/// hands in another integer instead: every look-up and delete checks it, and answers a handle that
/// names nothing with a [`HandleError`]. A handle that was deleted never becomes valid again.
///
/// `Option<Handle>` is one word too, with zero as `None`, so an `extern "C" fn` may take and
/// return either.
///
/// With [`Handle::new`], [`Handle::value`] and [`Handle::delete`] it names values of any type in
/// one process-wide table, as Go's `runtime/cgo.Handle` does. A [`HandleTable`] of your own
/// holds one type, and is a little faster.
///
/// # Layout
///
/// `repr(transparent)` over [`NonZeroUsize`]. On 64-bit targets the bits are, from the top: two
/// fixed bits `10` (so that on x86-64 no handle is a canonical address, and C that dereferences one
/// faults at once), 30 bits of generation, 32 bits that say slot and shard; all but the fixed ones
/// are exclusive-ored with a key of the table. On 32-bit targets: 2, 10 and 20 bits. None of this
/// is for C to take apart; it may only compare handles for equality. Seen as a signed integer a
/// handle is negative.
///
/// # Example
///
/// ```
/// use handle_table::Handle;
///
/// let handle = Handle::new(String::from("hello"));
/// let word: usize = handle.into_raw(); // to C, and back:
/// let handle = Handle::from_raw(word)?;
/// assert_eq!(*handle.value::<String>(), "hello");
/// handle.delete();
/// assert!(handle.try_value::<String>().is_err());
/// # Ok::<(), handle_table::HandleError>(())
/// ```
///
/// [`HandleTable`]: crate::HandleTable
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Handle(NonZeroUsize);

impl Handle {
    /// The integer itself, for a C API that takes `uintptr_t`.
    #[inline]
    pub const fn into_raw(self) -> usize {
        self.0.get()
    }

    /// Takes back an integer from C.
    ///
    /// Any integer but zero is accepted here: whether it names a value, only a table can say, and
    /// it does at every use.
    ///
    /// # Errors
    ///
    /// [`HandleError::Null`] for zero.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::{Handle, HandleError, HandleTable};
    ///
    /// let table = HandleTable::<u32>::new();
    /// assert_eq!(Handle::from_raw(0), Err(HandleError::Null));
    /// let forged = Handle::from_raw(42)?;
    /// assert_eq!(table.get(forged).unwrap_err(), HandleError::Unknown);
    /// # Ok::<(), HandleError>(())
    /// ```
    #[inline]
    pub const fn from_raw(raw: usize) -> Result<Self, HandleError> {
        match NonZeroUsize::new(raw) {
            Some(raw) => Ok(Self(raw)),
            None => Err(HandleError::Null),
        }
    }

    /// The handle as a `void *`, for a C API with a `user_data` parameter.
    ///
    /// The pointer has no provenance: it may be carried, compared and given back to
    /// [`from_ptr`](Self::from_ptr), not dereferenced.
    ///
    /// # Passing the address of a handle instead
    ///
    /// Some APIs look at the memory behind `user_data`. Go's documentation shows a second way for
    /// those, the *address* of a variable that holds the handle, and it works here as well, since
    /// a `Handle` is one word in memory. Mind its trap: the variable must outlive the last call
    /// of the callback, or C holds a dangling pointer again, which no table can detect. The handle
    /// itself never dangles.
    ///
    /// ```
    /// use handle_table::Handle;
    /// use std::ffi::c_void;
    ///
    /// extern "C" fn callback(user_data: *mut c_void) -> u32 {
    ///     // SAFETY: `call_now` returns before the variable `handle` goes out of scope.
    ///     let handle = unsafe { *user_data.cast::<Handle>() };
    ///     handle.try_value::<u32>().map_or(0, |value| *value)
    /// }
    ///
    /// fn call_now(f: extern "C" fn(*mut c_void) -> u32, user_data: *mut c_void) -> u32 {
    ///     f(user_data)
    /// }
    ///
    /// let mut handle = Handle::new(7_u32);
    /// assert_eq!(call_now(callback, (&raw mut handle).cast()), 7);
    /// handle.delete();
    /// ```
    #[inline]
    pub const fn into_ptr(self) -> *mut c_void {
        ptr::without_provenance_mut(self.0.get())
    }

    /// Takes back a `void *` from C; only its address counts, and it is not dereferenced.
    ///
    /// # Errors
    ///
    /// [`HandleError::Null`] for a null pointer.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::{Handle, HandleError};
    ///
    /// let handle = Handle::new(7_u32);
    /// let user_data = handle.into_ptr();
    /// assert_eq!(Handle::from_ptr(user_data)?, handle);
    /// assert_eq!(Handle::from_ptr(std::ptr::null_mut()), Err(HandleError::Null));
    /// handle.delete();
    /// # Ok::<(), HandleError>(())
    /// ```
    #[inline]
    pub fn from_ptr(ptr: *mut c_void) -> Result<Self, HandleError> {
        Self::from_raw(ptr.addr())
    }

    /// The handle of a slot with this state, in a table with this key.
    #[inline]
    pub(crate) fn new_live(word: LiveState, key: usize) -> Self {
        /// Set in each live word, and no key changes it; said once more, so that it is seen that
        /// a handle is not zero.
        const TOP_BIT: NonZeroUsize = match NonZeroUsize::new(LIVE) {
            Some(bit) => bit,
            None => unreachable!(),
        };
        Self(TOP_BIT | (word.bits() ^ key))
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({:#x})", self.0)
    }
}
