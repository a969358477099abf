//! A function that the program may set for the whole process.

use std::sync::atomic::{AtomicPtr, Ordering};

/// A pointer to a function or to anything else that is never freed; null until it is set. Not
/// modelled: no other access is inferred from it, and loom's atomics can't be in a `static`.
pub(crate) struct AtomicFunction(AtomicPtr<()>);

impl AtomicFunction {
    pub(crate) const fn none() -> Self {
        Self(AtomicPtr::new(std::ptr::null_mut()))
    }

    pub(crate) fn set(&self, function: *mut ()) {
        // edge: none. Code is there before any thread runs.
        self.0.store(function, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> *mut () {
        // edge: none. Code is there before any thread runs.
        self.0.load(Ordering::Relaxed)
    }
}
