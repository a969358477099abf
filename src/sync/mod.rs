//! The only file that names std's atomics or loom's.
//!
//! Nothing here changes an ordering or adds a fence: what the rest of the crate writes is what
//! both backends get.

mod backoff;
#[cfg_attr(loom, allow(dead_code))]
#[allow(unsafe_code)]
mod try_lock;

#[cfg(all(test, loom))]
mod models;

#[cfg_attr(loom, allow(unused_imports))]
pub(crate) use self::{backoff::Backoff, try_lock::TryLock};

#[cfg(not(loom))]
pub(crate) use std::{
    sync::{
        atomic::{fence, AtomicBool, AtomicPtr, AtomicUsize, Ordering},
        Arc,
    },
    thread::yield_now,
    thread_local,
};

#[cfg(loom)]
pub(crate) use loom::{
    sync::{
        atomic::{fence, AtomicBool, AtomicPtr, AtomicUsize, Ordering},
        Arc,
    },
    thread::yield_now,
    thread_local,
};

/// loom's closure-shaped cell: loom sees every access, std compiles to nothing.
#[cfg(loom)]
pub(crate) use loom::cell::UnsafeCell;

/// `std::cell::UnsafeCell` with the interface of loom's.
#[cfg(not(loom))]
#[derive(Debug)]
pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

#[cfg(not(loom))]
impl<T> UnsafeCell<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    #[inline(always)]
    pub(crate) fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        f(self.0.get())
    }

    #[inline(always)]
    pub(crate) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        f(self.0.get())
    }
}

/// Makes a function `const` except under loom, whose types have no `const` constructor.
macro_rules! const_unless_loom {
    ($(#[$attr:meta])* $vis:vis const fn $($rest:tt)*) => {
        #[cfg(not(loom))]
        $(#[$attr])*
        $vis const fn $($rest)*

        #[cfg(loom)]
        $(#[$attr])*
        $vis fn $($rest)*
    };
}
pub(crate) use const_unless_loom;
