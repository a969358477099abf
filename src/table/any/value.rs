//! [`AnyValue`]: a value of any type, a small one in place, another in a box, with a table of
//! functions that knows the type.

use std::{
    any::{type_name, Any, TypeId},
    cell::UnsafeCell,
    mem::{needs_drop, transmute, ManuallyDrop, MaybeUninit},
};

use crate::{error::HandleError, handle::RawHandle};

/// Three words hold most callbacks' state: a `String`, a boxed closure, an `Arc` or two. Their type
/// is a pointer, so that pointers in them keep their provenance.
type Words = [MaybeUninit<*mut ()>; 3];

/// A value whose type is known only at run time. Its name is in the reports of drops that panicked.
pub(super) struct AnyValue {
    /// In a cell, since the value may contain cells, and a shared reference to plain words would
    /// claim that they never change.
    words: UnsafeCell<Words>,
    vtable: &'static Vtable,
}

/// The functions of one type. A type may have several of these, at different addresses.
struct Vtable {
    id: fn() -> TypeId,
    name: fn() -> &'static str,
    as_any: unsafe fn(*mut Words) -> *const dyn Any,
    drop: Option<unsafe fn(*mut Words)>,
}

// SAFETY: `new` takes only what is `Send` and `Sync`.
unsafe impl Send for AnyValue {}
// SAFETY: `new` takes only what is `Send` and `Sync`.
unsafe impl Sync for AnyValue {}

/// How a `T` lies in the words: in place if it fits, else as a pointer to its box.
struct Stored<T>(T);

impl<T: 'static> Stored<T> {
    const FITS: bool =
        size_of::<T>() <= size_of::<Words>() && align_of::<T>() <= align_of::<Words>();

    const VTABLE: &'static Vtable = &Vtable {
        id: TypeId::of::<T>,
        name: type_name::<T>,
        as_any: Self::as_any,
        drop: if Self::FITS && !needs_drop::<T>() { None } else { Some(Self::drop) },
    };

    #[inline]
    fn write(value: T) -> Words {
        let mut words = [MaybeUninit::uninit(); 3];
        if Self::FITS {
            // SAFETY: a `T` fits, in size and alignment.
            unsafe { words.as_mut_ptr().cast::<T>().write(value) };
        } else {
            let boxed = Box::into_raw(Box::new(value));
            // SAFETY: a pointer is a word.
            unsafe { words.as_mut_ptr().cast::<*mut T>().write(boxed) };
        }
        words
    }

    /// Where the value is.
    ///
    /// # Safety
    ///
    /// `words` came from `write` with this `T`.
    #[inline]
    unsafe fn get(words: *mut Words) -> *mut T {
        if Self::FITS {
            words.cast()
        } else {
            // SAFETY: the caller's duty: the first word is a pointer to the value's box.
            unsafe { words.cast::<*mut T>().read() }
        }
    }

    /// # Safety
    ///
    /// `words` came from `write` with this `T`.
    unsafe fn as_any(words: *mut Words) -> *const dyn Any {
        // SAFETY: the caller's duty.
        unsafe { Self::get(words).cast_const() }
    }

    /// # Safety
    ///
    /// `words` came from `write` with this `T`, and are not used any more.
    unsafe fn take(words: *mut Words) -> T {
        // SAFETY: the caller's duty: there is a `T`, in place or in a box.
        unsafe {
            let value = Self::get(words);
            if Self::FITS {
                value.read()
            } else {
                *Box::from_raw(value)
            }
        }
    }

    /// # Safety
    ///
    /// `words` came from `write` with this `T`, and are not used any more.
    unsafe fn drop(words: *mut Words) {
        // SAFETY: the caller's duty: there is a `T`, in place or in a box.
        unsafe {
            let value = Self::get(words);
            if Self::FITS {
                value.drop_in_place();
            } else {
                drop(Box::from_raw(value));
            }
        }
    }
}

impl AnyValue {
    #[inline]
    pub(super) fn new<T: Send + Sync + 'static>(value: T) -> Self {
        Self { words: UnsafeCell::new(Stored::write(value)), vtable: Stored::<T>::VTABLE }
    }

    #[inline]
    fn is<T: 'static>(&self) -> bool {
        // Equal addresses mean one type, but a type may have several of these tables.
        std::ptr::eq(self.vtable, Stored::<T>::VTABLE) || self.is_by_id(TypeId::of::<T>())
    }

    #[cold]
    fn is_by_id(&self, id: TypeId) -> bool {
        self.type_id() == id
    }

    /// The value, if it is a `T`. `handle` is its handle, for the error.
    #[inline(always)]
    pub(super) fn get<T: 'static>(&self, handle: RawHandle) -> Result<&T, HandleError> {
        if self.is::<T>() {
            // SAFETY: the words hold a `T`.
            return Ok(unsafe { &*Stored::get(self.words.get()) });
        }
        Err(self.wrong_type(handle, type_name::<T>()))
    }

    #[cold]
    #[inline(never)]
    fn wrong_type(&self, handle: RawHandle, expected: &'static str) -> HandleError {
        HandleError::WrongType { raw: handle.bits(), expected, found: self.type_name() }
    }

    /// The value, to be downcast.
    pub(super) fn as_any(&self) -> &(dyn Any + Send + Sync) {
        // SAFETY: the words hold a value of the vtable's type. It is `Send` and `Sync`, since `new`
        // takes no others, and these two are all that the pointers' types differ in.
        unsafe {
            let value = (self.vtable.as_any)(self.words.get());
            &*transmute::<*const dyn Any, *const (dyn Any + Send + Sync)>(value)
        }
    }

    pub(super) fn type_id(&self) -> TypeId {
        (self.vtable.id)()
    }

    pub(super) fn type_name(&self) -> &'static str {
        (self.vtable.name)()
    }

    /// The value, if it is a `T`, by value.
    pub(super) fn take<T: 'static>(self) -> Result<T, Self> {
        if !self.is::<T>() {
            return Err(self);
        }
        let mut this = ManuallyDrop::new(self);
        // SAFETY: the words hold a `T`, and are forgotten.
        Ok(unsafe { Stored::take(this.words.get_mut()) })
    }
}

impl Drop for AnyValue {
    fn drop(&mut self) {
        if let Some(drop) = self.vtable.drop {
            // SAFETY: the vtable belongs to the type in the words, which are not used any more.
            unsafe { drop(self.words.get_mut()) }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::handle::Handle;
    use std::sync::Arc;

    #[repr(align(64))]
    struct Aligned(u8);

    fn get<T: 'static>(value: &AnyValue) -> Result<&T, HandleError> {
        value.get(Handle::<dyn Any>::from_raw(7)?.raw())
    }

    #[test]
    fn small_large_and_aligned_values_are_dropped_once() {
        let witness = Arc::new(());
        let small = AnyValue::new(Arc::clone(&witness));
        let large = AnyValue::new([(); 9].map(|()| Arc::clone(&witness)));
        assert_eq!(Arc::strong_count(&witness), 11);
        assert!(get::<Arc<()>>(&small).is_ok());
        drop((small, large));
        assert_eq!(Arc::strong_count(&witness), 1);

        let aligned = AnyValue::new(Aligned(7));
        let place = get::<Aligned>(&aligned).map(std::ptr::from_ref);
        assert!(place.is_ok_and(|place| place.addr() % 64 == 0));
    }

    #[test]
    fn a_value_is_given_back_only_as_its_own_type() {
        let value = AnyValue::new(String::from("text"));
        let wrong =
            HandleError::WrongType { raw: 7, expected: "u8", found: "alloc::string::String" };
        assert_eq!(get::<u8>(&value), Err(wrong));
        let value = match value.take::<u8>() {
            Ok(_) => panic!("a String is no u8"),
            Err(value) => value,
        };
        assert_eq!(value.take::<String>().ok().as_deref(), Some("text"));
    }

    #[test]
    fn a_value_is_downcast_where_it_lies() {
        let small = AnyValue::new(7_u32);
        assert_eq!(small.as_any().downcast_ref(), Some(&7_u32));
        assert_eq!(small.as_any().downcast_ref::<i32>(), None);
        let large = AnyValue::new([7_usize; 9]);
        assert_eq!(large.as_any().downcast_ref(), Some(&[7_usize; 9]));
        let aligned = AnyValue::new(Aligned(7));
        assert_eq!(aligned.as_any().downcast_ref::<Aligned>().map(|value| value.0), Some(7));
    }

    #[test]
    fn values_may_have_cells_of_their_own() {
        use std::sync::atomic::{AtomicUsize, Ordering};

        let value = AnyValue::new(AtomicUsize::new(1));
        let count = get::<AtomicUsize>(&value).map(|n| n.fetch_add(1, Ordering::Relaxed));
        assert_eq!(count, Ok(1));
        assert_eq!(value.take::<AtomicUsize>().ok().map(AtomicUsize::into_inner), Some(2));
    }

    #[test]
    fn zero_sized_values_have_a_type_too() {
        let unit = AnyValue::new(());
        assert!(get::<()>(&unit).is_ok());
        assert!(get::<[u8; 0]>(&unit).is_err());
    }
}
