//! [`Erased`]: a value of any type, small ones in place, others in a box, with a table of functions
//! that knows the type.

use std::{
    any::{type_name, TypeId},
    cell::UnsafeCell,
    mem::{needs_drop, ManuallyDrop, MaybeUninit},
};

use crate::error::HandleError;

/// Three words hold most callbacks' state: a `String`, a boxed closure, an `Arc` or two. Their type
/// is a pointer, so that pointers in them keep their provenance.
type Words = [MaybeUninit<*mut ()>; 3];

/// A value whose type is known only at run time.
pub(super) struct Erased {
    /// In a cell, since the value may contain cells, and a shared reference to plain words would
    /// claim that they never change.
    words: UnsafeCell<Words>,
    vtable: &'static Vtable,
}

/// The functions of one type. A type may have several of these, at different addresses.
struct Vtable {
    id: fn() -> TypeId,
    name: fn() -> &'static str,
    drop: Option<unsafe fn(*mut Words)>,
}

// SAFETY: `new` takes only what is `Send` and `Sync`.
unsafe impl Send for Erased {}
// SAFETY: `new` takes only what is `Send` and `Sync`.
unsafe impl Sync for Erased {}

/// How a `T` lies in the words: in place if it fits, else as a pointer to its box.
struct Stored<T>(T);

impl<T: 'static> Stored<T> {
    const FITS: bool =
        size_of::<T>() <= size_of::<Words>() && align_of::<T>() <= align_of::<Words>();

    const VTABLE: &'static Vtable = &Vtable {
        id: TypeId::of::<T>,
        name: type_name::<T>,
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

impl Erased {
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
        (self.vtable.id)() == id
    }

    /// The value, if it is a `T`.
    #[inline(always)]
    pub(super) fn get<T: 'static>(&self) -> Result<&T, HandleError> {
        if self.is::<T>() {
            // SAFETY: the words hold a `T`.
            return Ok(unsafe { &*Stored::get(self.words.get()) });
        }
        Err(self.wrong_type(type_name::<T>()))
    }

    #[cold]
    #[inline(never)]
    fn wrong_type(&self, expected: &'static str) -> HandleError {
        HandleError::WrongType { expected, found: (self.vtable.name)() }
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

impl Drop for Erased {
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
    use std::sync::Arc;

    #[repr(align(64))]
    struct Aligned(#[allow(dead_code)] u8);

    #[test]
    fn small_large_and_aligned_values_are_dropped_once() {
        let witness = Arc::new(());
        let small = Erased::new(Arc::clone(&witness));
        let large = Erased::new([const { None::<Arc<()>> }; 9].map(|_| Some(Arc::clone(&witness))));
        assert_eq!(Arc::strong_count(&witness), 11);
        assert!(small.get::<Arc<()>>().is_ok());
        drop((small, large));
        assert_eq!(Arc::strong_count(&witness), 1);

        let aligned = Erased::new(Aligned(7));
        let place = aligned.get::<Aligned>().map(std::ptr::from_ref);
        assert!(place.is_ok_and(|place| place.addr() % 64 == 0));
    }

    #[test]
    fn a_value_is_given_back_only_as_its_own_type() {
        let erased = Erased::new(String::from("text"));
        assert_eq!(
            erased.get::<u8>(),
            Err(HandleError::WrongType { expected: "u8", found: "alloc::string::String" })
        );
        let erased = match erased.take::<u8>() {
            Ok(_) => panic!("a String is no u8"),
            Err(erased) => erased,
        };
        assert_eq!(erased.take::<String>().ok().as_deref(), Some("text"));
    }

    #[test]
    fn values_may_have_cells_of_their_own() {
        use std::sync::atomic::{AtomicUsize, Ordering};

        let erased = Erased::new(AtomicUsize::new(1));
        let count = erased.get::<AtomicUsize>().map(|n| n.fetch_add(1, Ordering::Relaxed));
        assert_eq!(count, Ok(1));
        assert_eq!(erased.take::<AtomicUsize>().ok().map(AtomicUsize::into_inner), Some(2));
    }

    #[test]
    fn zero_sized_values_have_a_type_too() {
        let unit = Erased::new(());
        assert!(unit.get::<()>().is_ok());
        assert!(unit.get::<[u8; 0]>().is_err());
    }
}
