//! [`OnceInner`]: a table's pointer to its body, null until the first insert.

use std::{marker::PhantomData, ptr};

use super::{
    atomic_lookup::AtomicLookup,
    body::{Inner, Limits},
    lookup::{Candidate, Lookup},
};
use crate::{
    error::HandleError,
    handle::RawHandle,
    stats::Stats,
    sync::{const_unless_loom, Arc, AtomicPtr, Ordering},
};

/// An [`Inner`], or none yet.
#[derive(Debug)]
pub(crate) struct OnceInner<T> {
    /// Null until `lookup` is stored.
    inner: AtomicPtr<Inner<T>>,
    /// The winner of concurrent initialization; the losers are freed.
    first: AtomicPtr<Inner<T>>,
    lookup: AtomicLookup,
    /// It owns the body.
    _inner: PhantomData<Inner<T>>,
}

impl<T> OnceInner<T> {
    const_unless_loom! {
        pub(crate) const fn new() -> Self {
            Self {
                inner: AtomicPtr::new(ptr::null_mut()),
                first: AtomicPtr::new(ptr::null_mut()),
                lookup: AtomicLookup::new(),
                _inner: PhantomData,
            }
        }
    }

    /// The body, if it was made.
    #[inline]
    pub(crate) fn get(&self) -> Option<&Inner<T>> {
        // edge: grow. Acquire: a thread that sees the body sees its contents, and what it publishes
        // there will be found.
        let inner = self.inner.load(Ordering::Acquire);
        // SAFETY: null, or a body that lives until this is dropped.
        unsafe { inner.as_ref() }
    }

    /// The body, made now if need be.
    #[inline]
    pub(crate) fn get_or_make(&self, make: impl FnOnce() -> Arc<Inner<T>>) -> &Inner<T> {
        match self.get() {
            Some(inner) => inner,
            None => self.make(make),
        }
    }

    /// What look-ups need. Without a body they find nothing.
    #[inline(always)]
    pub(crate) fn lookup(&self) -> Lookup<'_, T> {
        // SAFETY: `make` stores it, from a body that lives until this is dropped.
        unsafe { self.lookup.load() }
    }

    /// The slot that `handle` names, if there is one.
    #[inline(always)]
    pub(crate) fn find(&self, handle: RawHandle) -> Option<Candidate<'_, T>> {
        self.lookup().find(handle)
    }

    /// Why `handle` was invalid when it was looked up. Looks it up a second time, so that the fast
    /// paths need not keep the slot in a register.
    #[cold]
    #[inline(never)]
    pub(crate) fn explain(&self, handle: RawHandle) -> HandleError {
        self.lookup().explain(handle)
    }

    /// Counts what the body holds. Without one, what a table with these limits is to have.
    pub(crate) fn stats(&self, limits: Limits) -> Stats {
        self.get().map_or_else(|| limits.unused(), Inner::stats)
    }

    #[cold]
    fn make(&self, make: impl FnOnce() -> Arc<Inner<T>>) -> &Inner<T> {
        let made = Arc::into_raw(make()).cast_mut();
        // edge: grow. Release: the body before the pointer to it. Acquire: the winner's body.
        let first = match self.first.compare_exchange(
            ptr::null_mut(),
            made,
            Ordering::Release,
            Ordering::Acquire,
        ) {
            Ok(_) => made,
            Err(winner) => {
                // SAFETY: made above and shown to no other thread.
                drop(unsafe { Arc::from_raw(made) });
                winner
            }
        };
        // SAFETY: this thread's body or the winner's; it lives until this is dropped.
        let inner = unsafe { &*first };
        self.lookup.store(&inner.lookup());
        // edge: grow. Release. The loser stores it too: what it publishes in the table must be
        // found.
        self.inner.store(first, Ordering::Release);
        inner
    }
}

impl<T> Drop for OnceInner<T> {
    fn drop(&mut self) {
        // edge: none. `&mut self`: no other thread has the table.
        let first = self.first.load(Ordering::Relaxed);
        if !first.is_null() {
            // SAFETY: `make` made it, and every borrow has ended.
            let inner = unsafe { Arc::from_raw(first) };
            // SAFETY: the table has no reader, and is in no call, since it is dropped. Slots that
            // wait for readers of other tables keep the body, but not their values.
            unsafe { inner.drop_all() };
        }
    }
}
