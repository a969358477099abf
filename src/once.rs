//! The one pointer of a table: to its core, which the first insert makes.

use std::{marker::PhantomData, ptr};

use crate::{
    core::Core,
    sync::{const_unless_loom, AtomicPtr, Ordering},
};

/// A [`Core`], or none yet.
#[derive(Debug)]
pub(crate) struct OnceCore<T> {
    core: AtomicPtr<Core<T>>,
    /// It owns the core; whether it is `Send` and `Sync` depends on `T` as with the core itself.
    _core: PhantomData<Core<T>>,
}

impl<T> OnceCore<T> {
    const_unless_loom! {
        pub(crate) const fn new() -> Self {
            Self {
                core: AtomicPtr::new(ptr::null_mut()),
                _core: PhantomData,
            }
        }
    }

    /// The core, if it was ever made.
    #[inline]
    pub(crate) fn get(&self) -> Option<&Core<T>> {
        // edge: grow. Who sees the core sees it made.
        let core = self.core.load(Ordering::Acquire);
        // SAFETY: null, or a core that lives until this is dropped.
        unsafe { core.as_ref() }
    }

    /// The core, made now if need be.
    #[inline]
    pub(crate) fn get_or_make(&self, make: impl FnOnce() -> Core<T>) -> &Core<T> {
        match self.get() {
            Some(core) => core,
            None => self.make(make),
        }
    }

    #[cold]
    fn make(&self, make: impl FnOnce() -> Core<T>) -> &Core<T> {
        let made = Box::into_raw(Box::new(make()));
        // edge: grow. Release: the core before the pointer to it; Acquire: the winner's core.
        match self.core.compare_exchange(
            ptr::null_mut(),
            made,
            Ordering::Release,
            Ordering::Acquire,
        ) {
            // SAFETY: in place now, and lives until this is dropped.
            Ok(_) => unsafe { &*made },
            Err(others) => {
                // SAFETY: made above and shown to no one.
                drop(unsafe { Box::from_raw(made) });
                // SAFETY: another thread's core, which lives until this is dropped.
                unsafe { &*others }
            }
        }
    }
}

impl<T> Drop for OnceCore<T> {
    fn drop(&mut self) {
        // edge: none. `&mut self`: there is no one else.
        let core = self.core.load(Ordering::Relaxed);
        if !core.is_null() {
            // SAFETY: `make` made it; every borrow has ended.
            drop(unsafe { Box::from_raw(core) });
        }
    }
}
