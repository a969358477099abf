//! What a table is before it has a core, and how it gets one, on its first insert.

use std::{marker::PhantomData, ptr};

use super::{atomic_lookup::AtomicLookup, body::Inner, lookup::Lookup};
use crate::{
    error::HandleError,
    handle::Handle,
    sync::{const_unless_loom, AtomicPtr, Ordering},
};

/// A [`Core`], or none yet.
#[derive(Debug)]
pub(crate) struct OnceInner<T> {
    /// Null until `front` is set.
    inner: AtomicPtr<Inner<T>>,
    /// The core that was there first: others, made at the same time, go.
    first: AtomicPtr<Inner<T>>,
    lookup: AtomicLookup,
    /// It owns the core; whether it is `Send` and `Sync` depends on `T` as with the core itself.
    _core: PhantomData<Inner<T>>,
}

impl<T> OnceInner<T> {
    const_unless_loom! {
        pub(crate) const fn new() -> Self {
            Self {
                inner: AtomicPtr::new(ptr::null_mut()),
                first: AtomicPtr::new(ptr::null_mut()),
                lookup: AtomicLookup::new(),
                _core: PhantomData,
            }
        }
    }

    /// The core, if it was ever made.
    #[inline]
    pub(crate) fn get(&self) -> Option<&Inner<T>> {
        // edge: grow. Who sees the core sees it made, and what it publishes there will be found.
        let inner = self.inner.load(Ordering::Acquire);
        // SAFETY: null, or a core that lives until this is dropped.
        unsafe { inner.as_ref() }
    }

    /// What a look-up needs of the core, if that was ever made, and else what makes it find nothing.
    #[inline(always)]
    pub(crate) fn lookup(&self) -> Lookup<'_, T> {
        // SAFETY: `make` sets it, from a core that lives until this is dropped.
        unsafe { self.lookup.lookup() }
    }

    /// The core, made now if need be.
    #[inline]
    pub(crate) fn get_or_make(&self, make: impl FnOnce() -> Inner<T>) -> &Inner<T> {
        match self.get() {
            Some(inner) => inner,
            None => self.make(make),
        }
    }

    /// Why `handle` was not valid in this table when it was looked for.
    #[cold]
    #[inline(never)]
    pub(crate) fn explain(&self, handle: Handle) -> HandleError {
        let inner = self.get();
        inner.map_or(HandleError::Unknown, |inner| inner.explain(handle))
    }

    #[cold]
    fn make(&self, make: impl FnOnce() -> Inner<T>) -> &Inner<T> {
        let made = Box::into_raw(Box::new(make()));
        // edge: grow. Release: the core before the pointer to it; Acquire: the winner's core.
        let first = match self.first.compare_exchange(
            ptr::null_mut(),
            made,
            Ordering::Release,
            Ordering::Acquire,
        ) {
            Ok(_) => made,
            Err(others) => {
                // SAFETY: made above and shown to no one.
                drop(unsafe { Box::from_raw(made) });
                others
            }
        };
        // SAFETY: this core or another thread's, in place now, and lives until this is dropped.
        let inner = unsafe { &*first };
        self.lookup.set(&inner.lookup());
        // edge: grow. The loser says it too: what it publishes there must be found.
        self.inner.store(first, Ordering::Release);
        inner
    }
}

impl<T> Drop for OnceInner<T> {
    fn drop(&mut self) {
        // edge: none. `&mut self`: there is no one else.
        let first = self.first.load(Ordering::Relaxed);
        if !first.is_null() {
            // SAFETY: `make` made it; every borrow has ended.
            drop(unsafe { Box::from_raw(first) });
        }
    }
}
