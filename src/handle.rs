//! [`Handle`]: the integer that C keeps.

use std::{ffi::c_void, fmt, num::NonZeroUsize, ptr};

use crate::error::HandleError;

/// A pointer-sized, non-zero integer that names a value in a table.
///
/// C code stores it where it stores a `void *` or `uintptr_t`. If C keeps it too long, or passes
/// another integer instead, nothing breaks: every look-up and delete checks the handle, and returns
/// a [`HandleError`] for one that names nothing. A handle that was deleted never becomes valid
/// again.
///
/// `Option<Handle>` is one word too, with zero as `None`, so an `extern "C" fn` may take and return
/// either.
///
/// With [`Handle::new`], [`Handle::value`] and [`Handle::delete`] it names values of any type in
/// one process-wide table, as Go's `runtime/cgo.Handle` does. A [`HandleTable`] of your own holds
/// one type, and is a little faster.
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
/// # Layout
///
/// `repr(transparent)` over [`NonZeroUsize`]. From the top, the bits are:
///
/// | target | fixed, `10` | generation | slot and shard |
/// |---|---|---|---|
/// | 64-bit | 2 bits | 30 bits | 32 bits |
/// | 32-bit | 2 bits | 10 bits | 20 bits |
///
/// All but the fixed bits are exclusive-ored with a key of the table. Because of the fixed bits no
/// handle is a canonical address on x86-64, and C that dereferences one faults at once. None of
/// this is for C to take apart: it may only compare handles for equality. As a signed integer a
/// handle is negative.
///
/// [`HandleTable`]: crate::HandleTable
#[doc(alias = "cgo")]
#[doc(alias = "NewHandle")]
#[doc(alias = "GCHandle")]
#[doc(alias = "user_data")]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Handle(NonZeroUsize);

impl Handle {
    /// The integer itself, for a C API that takes `uintptr_t`.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::Handle;
    ///
    /// let handle = Handle::new(7_u32);
    /// let word: usize = handle.into_raw();
    /// assert_eq!(Handle::from_raw(word), Ok(handle));
    /// handle.delete();
    /// ```
    #[must_use = "the integer is the handle that C gets"]
    #[inline]
    pub const fn into_raw(self) -> usize {
        self.0.get()
    }

    /// Takes back an integer from C.
    ///
    /// Any integer but zero is accepted here. Whether it names a value, the table checks at every
    /// use.
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
    ///
    /// # Errors
    ///
    /// [`HandleError::Null`] for zero.
    #[inline]
    pub const fn from_raw(raw: usize) -> Result<Self, HandleError> {
        match NonZeroUsize::new(raw) {
            Some(raw) => Ok(Self(raw)),
            None => Err(HandleError::Null),
        }
    }

    /// The handle as a `void *`, for a C API with a `user_data` parameter.
    ///
    /// The pointer has no provenance: it may be carried, compared and passed to
    /// [`from_ptr`](Self::from_ptr), but not dereferenced.
    ///
    /// # Passing the address of a handle instead
    ///
    /// Some APIs read the memory behind `user_data`. For those, Go's documentation shows a second
    /// way: pass the *address* of a variable that holds the handle. It works here too, since a
    /// `Handle` is one word in memory. Mind its trap: the variable must outlive the last call of
    /// the callback, or C holds a dangling pointer again, which no table can detect. The handle
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
    #[must_use = "the pointer is the handle that C gets"]
    #[inline]
    pub const fn into_ptr(self) -> *mut c_void {
        ptr::without_provenance_mut(self.0.get())
    }

    /// Takes back a `void *` from C. Only its address counts; it is not dereferenced.
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
    ///
    /// # Errors
    ///
    /// [`HandleError::Null`] for a null pointer.
    #[inline]
    pub fn from_ptr(ptr: *mut c_void) -> Result<Self, HandleError> {
        Self::from_raw(ptr.addr())
    }

    /// The handle with these bits, made by its table's key.
    #[inline]
    pub(crate) const fn from_bits(bits: NonZeroUsize) -> Self {
        Self(bits)
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({:#x})", self.0)
    }
}
