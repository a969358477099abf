//! A value of any type: small ones in place, others in a box, with the table of functions that
//! knows which.

use std::{
    any::{type_name, TypeId},
    cell::UnsafeCell,
    mem::{needs_drop, ManuallyDrop, MaybeUninit},
};

use crate::error::HandleError;

/// Three words hold most callbacks' state: a `String`, a boxed closure, an `Arc` or two. They are
/// pointers by type, so that those keep their provenance.
type Words = [MaybeUninit<*mut ()>; 3];

/// A value whose type is known at run time only.
pub(crate) struct Erased {
    /// In a cell, since the value may have cells of its own, which a shared reference to this
    /// would freeze otherwise.
    words: UnsafeCell<Words>,
    vtable: &'static Vtable,
}

/// One for each type (or more: equal ones may stand at several addresses).
struct Vtable {
    id: fn() -> TypeId,
    name: fn() -> &'static str,
    drop: Option<unsafe fn(*mut Words)>,
}

// SAFETY: `new` takes only what is `Send` and `Sync`.
unsafe impl Send for Erased {}
// SAFETY: as above.
unsafe impl Sync for Erased {}

/// How a `T` lies in the words.
struct Place<T>(T);

impl<T: 'static> Place<T> {
    const INLINE: bool =
        size_of::<T>() <= size_of::<Words>() && align_of::<T>() <= align_of::<Words>();

    const VTABLE: &'static Vtable = &Vtable {
        id: TypeId::of::<T>,
        name: type_name::<T>,
        drop: if Self::INLINE && !needs_drop::<T>() {
            None
        } else {
            Some(Self::drop)
        },
    };

    #[inline]
    fn write(value: T) -> Words {
        let mut words = [MaybeUninit::uninit(); 3];
        if Self::INLINE {
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
    /// `words` came from `put` with this `T`.
    #[inline]
    unsafe fn get(words: *mut Words) -> *mut T {
        if Self::INLINE {
            words.cast()
        } else {
            // SAFETY: the caller's duty: there lies a pointer to the value's box.
            unsafe { words.cast::<*mut T>().read() }
        }
    }

    /// # Safety
    ///
    /// As for `get`, and the words are not used any more.
    unsafe fn take(words: *mut Words) -> T {
        // SAFETY: the caller's duty: there is a `T`, in place or in a box.
        unsafe {
            let value = Self::get(words);
            if Self::INLINE {
                value.read()
            } else {
                *Box::from_raw(value)
            }
        }
    }

    /// # Safety
    ///
    /// As for `take`.
    unsafe fn drop(words: *mut Words) {
        // SAFETY: the caller's duty: there is a `T`, in place or in a box.
        unsafe {
            let value = Self::get(words);
            if Self::INLINE {
                value.drop_in_place();
            } else {
                drop(Box::from_raw(value));
            }
        }
    }
}

impl Erased {
    #[inline]
    pub(crate) fn new<T: Send + Sync + 'static>(value: T) -> Self {
        Self {
            words: UnsafeCell::new(Place::write(value)),
            vtable: Place::<T>::VTABLE,
        }
    }

    #[inline]
    fn is<T: 'static>(&self) -> bool {
        // One address is one type; one type may have several addresses.
        std::ptr::eq(self.vtable, Place::<T>::VTABLE) || self.is_by_id(TypeId::of::<T>())
    }

    #[cold]
    fn is_by_id(&self, id: TypeId) -> bool {
        (self.vtable.id)() == id
    }

    /// The value, if it is a `T`.
    #[inline(always)]
    pub(crate) fn get<T: 'static>(&self) -> Result<&T, HandleError> {
        if self.is::<T>() {
            // SAFETY: the words hold a `T`.
            return Ok(unsafe { &*Place::get(self.words.get()) });
        }
        Err(self.is_not(type_name::<T>()))
    }

    #[cold]
    #[inline(never)]
    fn is_not(&self, expected: &'static str) -> HandleError {
        HandleError::WrongType {
            expected,
            found: (self.vtable.name)(),
        }
    }

    /// The value, if it is a `T`, by value.
    pub(crate) fn take<T: 'static>(self) -> Result<T, Self> {
        if !self.is::<T>() {
            return Err(self);
        }
        let mut this = ManuallyDrop::new(self);
        // SAFETY: the words hold a `T`, and are forgotten.
        Ok(unsafe { Place::take(this.words.get_mut()) })
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
    fn holds_small_large_and_aligned_values_and_drops_them_once() {
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
    fn gives_back_only_what_it_holds() {
        let erased = Erased::new(String::from("text"));
        assert_eq!(
            erased.get::<u8>(),
            Err(HandleError::WrongType {
                expected: "u8",
                found: "alloc::string::String"
            })
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
        let count = erased
            .get::<AtomicUsize>()
            .map(|n| n.fetch_add(1, Ordering::Relaxed));
        assert_eq!(count, Ok(1));
        assert_eq!(
            erased
                .take::<AtomicUsize>()
                .ok()
                .map(AtomicUsize::into_inner),
            Some(2)
        );
    }

    #[test]
    fn zero_sized_values_have_a_type_too() {
        let unit = Erased::new(());
        assert!(unit.get::<()>().is_ok());
        assert!(unit.get::<[u8; 0]>().is_err());
    }
}
