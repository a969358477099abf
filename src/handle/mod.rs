//! [`Handle`]: the integer that C keeps.
//!
//! - `raw.rs`: the integer alone, as the crate passes it on where no table is meant.
//! - `traits.rs`: `Copy`, `Eq`, `Debug` and others, without a bound on the kind.
//! - `convert.rs`: to the integers and pointers that C APIs take, and back.

use std::{ffi::c_void, marker::PhantomData, num::NonZeroUsize, ptr};

use crate::error::HandleError;

mod convert;
mod raw;
mod traits;

pub(crate) use self::raw::RawHandle;

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
/// # Kinds
///
/// The type says whose handle it is, so that the compiler refuses a handle at a table that can't
/// have issued it:
///
/// | type | issued by | its verbs |
/// |---|---|---|
/// | `Handle<T>` | [`HandleTable<T>`] and [`OnceTable<T>`] | those of the table |
/// | `Handle<dyn Any>` | [`AnyTable`] | those of the table |
/// | `Handle`, that is `Handle<Global>` | [`Handle::new`] | [`value`](Handle::value), [`delete`](Handle::delete) |
///
/// The kind is a promise of the code that made the handle of C's integer: [`from_raw`] and
/// [`from_ptr`] take any integer for any kind. The table checks it.
///
/// [`HandleTable<T>`]: crate::HandleTable
/// [`OnceTable<T>`]: crate::OnceTable
/// [`AnyTable`]: crate::AnyTable
/// [`from_raw`]: Self::from_raw
/// [`from_ptr`]: Self::from_ptr
///
/// # Example
///
/// ```
/// use handle_table::{Handle, HandleError, HandleTable};
///
/// static SESSIONS: HandleTable<String> = HandleTable::new();
///
/// let handle: Handle<String> = SESSIONS.insert("alice".into());
/// let user_data: *mut std::ffi::c_void = handle.to_ptr(); // to C, and back:
/// assert_eq!(*SESSIONS.get(Handle::from_ptr(user_data)?)?, "alice");
///
/// // As Go's `runtime/cgo.Handle`: any type, in one table for the whole process.
/// let handle: Handle = Handle::new(7_u32);
/// assert_eq!(*handle.value::<u32>(), 7);
/// handle.delete();
/// # Ok::<(), HandleError>(())
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
/// All but the fixed bits are exclusive-ored with a key of the table, and the generation also with
/// a hash of the slot's number. So a handle that was damaged, by an addition, a cleared bit or a
/// way through a `double`, names nothing, but for one in 2^30; on 32-bit targets one in 2^10.
///
/// Because of the fixed bits no handle is a canonical address on x86-64, and C that dereferences
/// one faults at once. None of this is for C to take apart: it may only compare handles for
/// equality. As a signed integer a handle is negative.
#[doc(alias = "cgo")]
#[doc(alias = "NewHandle")]
#[doc(alias = "GCHandle")]
#[doc(alias = "user_data")]
#[repr(transparent)]
pub struct Handle<K: ?Sized = Global>(NonZeroUsize, PhantomData<fn() -> *const K>);

/// The kind of the handles that [`Handle::new`] makes: those of the process-wide table.
///
/// # Example
///
/// ```
/// use handle_table::{Global, Handle};
///
/// let handle: Handle<Global> = Handle::new("value");
/// handle.delete();
/// ```
#[derive(Debug)]
pub enum Global {}

impl<K: ?Sized> Handle<K> {
    /// The integer itself, for a C API that takes `uintptr_t`.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::Handle;
    ///
    /// let handle = Handle::new(7_u32);
    /// let word: usize = handle.to_raw();
    /// assert_eq!(Handle::from_raw(word), Ok(handle));
    /// handle.delete();
    /// ```
    #[doc(alias = "into_raw")]
    #[must_use = "the integer is the handle that C gets"]
    #[inline]
    pub const fn to_raw(self) -> usize {
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
    /// let forged = Handle::from_raw(42)?;
    /// assert_eq!(table.get(forged).unwrap_err(), HandleError::Unknown { raw: 42 });
    /// let null: Result<Handle, HandleError> = Handle::from_raw(0);
    /// assert_eq!(null, Err(HandleError::Null));
    /// # Ok::<(), HandleError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`HandleError::Null`] for zero.
    #[inline]
    pub const fn from_raw(raw: usize) -> Result<Self, HandleError> {
        match NonZeroUsize::new(raw) {
            Some(raw) => Ok(Self::with_integer(raw)),
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
    #[doc(alias = "into_ptr")]
    #[must_use = "the pointer is the handle that C gets"]
    #[inline]
    pub const fn to_ptr(self) -> *mut c_void {
        ptr::without_provenance_mut(self.0.get())
    }

    /// Takes back a `void *` from C. Only its address counts; it is not dereferenced.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::{Handle, HandleError, HandleTable};
    ///
    /// let table = HandleTable::new();
    /// let handle = table.insert(7_u32);
    /// let user_data = handle.to_ptr();
    /// assert_eq!(Handle::from_ptr(user_data)?, handle);
    /// let null = Handle::<u32>::from_ptr(std::ptr::null_mut());
    /// assert_eq!(null, Err(HandleError::Null));
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

    /// The handle with this integer.
    #[inline]
    const fn with_integer(raw: NonZeroUsize) -> Self {
        Self(raw, PhantomData)
    }

    /// A handle of this kind, made by a table's key.
    #[inline]
    pub(crate) const fn of(raw: RawHandle) -> Self {
        Self::with_integer(raw.get())
    }

    /// The same integer as a handle of another kind.
    #[inline]
    pub(crate) const fn cast<L: ?Sized>(self) -> Handle<L> {
        Handle::with_integer(self.0)
    }

    /// The integer, for what does not depend on the kind.
    #[inline]
    pub(crate) const fn raw(self) -> RawHandle {
        RawHandle::new(self.0)
    }
}
