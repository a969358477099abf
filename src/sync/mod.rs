//! std or loom, and what std lacks.
//!
//! This is the only folder that names std's atomics or loom's. The rest of the crate takes its
//! atomics, fences, cells and thread-locals from here, and gets std's in a normal build and loom's
//! under `--cfg loom`. Nothing here changes an ordering or adds a fence: both builds run what the
//! rest of the crate writes.
//!
//! Beside them stand four small tools:
//! - [`TryLock`], a lock that no thread waits for;
//! - [`Backoff`] and [`Deadline`], for the few calls that do wait for other threads;
//! - [`OnDrop`], a closure that runs at the end of a scope, also if that ends by a panic.

mod backoff;
#[allow(unsafe_code)]
mod barrier;
mod deadline;
mod fork_count;
mod function;
mod on_drop;
#[allow(unsafe_code)]
mod try_lock;

#[cfg(all(test, loom))]
mod models;

use std::time::Duration;

pub(crate) use self::{
    backoff::Backoff,
    barrier::{heavy_barrier, light_barrier, register_barrier},
    deadline::Deadline,
    fork_count::forks,
    function::AtomicFunction,
    on_drop::OnDrop,
    try_lock::TryLock,
};

#[cfg(all(test, loom))]
pub(crate) use self::barrier::imp::{offer, Barriers};

#[cfg(not(loom))]
pub(crate) use self::fork_count::count_fork;
#[cfg(not(loom))]
pub(crate) use std::{
    sync::{
        atomic::{fence, Ordering},
        Arc,
    },
    thread::yield_now,
    thread_local,
};

// Aliases, not re-exports: clippy's `disallowed_types`, which keeps std's atomics out of the other
// folders, sees through a re-export.
#[cfg(not(loom))]
pub(crate) type AtomicBool = std::sync::atomic::AtomicBool;
#[cfg(not(loom))]
pub(crate) type AtomicPtr<T> = std::sync::atomic::AtomicPtr<T>;
#[cfg(not(loom))]
pub(crate) type AtomicUsize = std::sync::atomic::AtomicUsize;

#[cfg(loom)]
pub(crate) use loom::{
    sync::{
        atomic::{fence, AtomicBool, AtomicPtr, AtomicUsize, Ordering},
        Arc,
    },
    thread::yield_now,
    thread_local,
};

/// loom's cell, whose contents are lent to closures, so that loom sees every access.
#[cfg(loom)]
pub(crate) use loom::cell::UnsafeCell;

/// `std::cell::UnsafeCell` with the interface of loom's; it compiles to nothing.
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

    #[inline(always)]
    pub(crate) fn into_inner(self) -> T {
        self.0.into_inner()
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

/// Nanoseconds since some moment; wraps. For hints, and for people: the clock may be set. Zero
/// where there is no clock.
pub(crate) fn nanos() -> usize {
    since_epoch().as_nanos() as usize
}

/// Microseconds since some moment; as [`nanos`].
#[allow(dead_code)] // Needed where forks are watched.
pub(crate) fn micros() -> usize {
    since_epoch().as_micros() as usize
}

/// What [`ticks`] counts: on 32-bit targets more than a microsecond, since so many would wrap after
/// an hour.
pub(crate) const TICK: Duration =
    if usize::BITS < 64 { Duration::from_millis(1) } else { Duration::from_micros(1) };

/// Ticks since some moment; as [`nanos`]. They wrap after 49 days or more.
pub(crate) fn ticks() -> usize {
    (since_epoch().as_micros() / TICK.as_micros()) as usize
}

/// The time by a clock that never goes back; `None` where there is no clock.
pub(crate) fn now() -> Option<std::time::Instant> {
    #[cfg(not(any(loom, all(target_family = "wasm", target_os = "unknown"))))]
    return Some(std::time::Instant::now());
    #[cfg(any(loom, all(target_family = "wasm", target_os = "unknown")))]
    None
}

fn since_epoch() -> Duration {
    #[cfg(not(any(loom, all(target_family = "wasm", target_os = "unknown"))))]
    {
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
    }
    #[cfg(any(loom, all(target_family = "wasm", target_os = "unknown")))]
    Duration::ZERO
}
