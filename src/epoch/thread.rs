//! What a thread has of its own: a participant of the collector, and a lease. It registers both on
//! its first use of any table, and returns them when it ends.
//!
//! `THREAD` owns them. Under std two more thread-locals repeat what it holds, without a destructor
//! and without lazy initialization, so that the fast path is one check and one load.

#[cfg(not(loom))]
use std::{
    cell::{Cell, UnsafeCell},
    mem::ManuallyDrop,
    ptr,
};

use super::{
    collector::{Guard, Participant},
    lease::Lease,
};
use crate::sync::thread_local;

/// A shard number that no table has.
const NO_SHARD: usize = usize::MAX;

/// A thread's registration.
struct Thread {
    // Dropped first: another thread may have the lease while the participant still leaves the
    // collector.
    lease: Option<Lease>,
    participant: Participant,
}

impl Thread {
    fn register() -> Self {
        let participant = Participant::register();
        Self { lease: Lease::claim(), participant }
    }

    /// The number of the shard that the thread owns in every table with so many shards.
    fn shard(&self) -> usize {
        self.lease.as_ref().map_or(NO_SHARD, Lease::shard)
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        #[cfg(not(loom))]
        {
            SHARD.set(NO_SHARD);
            // SAFETY: no look at the copy is under way, see `with`.
            COPY.with(|copy| unsafe { copy.get().write(ManuallyDrop::new(None)) });
            // The thread's bag of closures stays in the collector's queue. A flush takes some bags
            // out.
            self.participant.pin().flush();
        }
    }
}

thread_local! {
    /// Owns the thread's registration.
    static THREAD: Thread = Thread::register();
}

#[cfg(not(loom))]
thread_local! {
    /// A bitwise copy of `THREAD` while that exists, never dropped itself.
    static COPY: UnsafeCell<ManuallyDrop<Option<Thread>>> =
        const { UnsafeCell::new(ManuallyDrop::new(None)) };
    /// The shard of `THREAD` while that exists.
    static SHARD: Cell<usize> = const { Cell::new(NO_SHARD) };
}

/// Registers the thread and makes the copy. If the registration is gone already, since the thread
/// is ending, the copy stays `None`.
#[cfg(not(loom))]
#[cold]
#[inline(never)]
fn register() {
    let repeat = |thread: &Thread| {
        SHARD.set(thread.shard());
        // SAFETY: the lease is a number and a reference, and the participant is a pointer. The copy
        // is used only while the original exists, whose drop removes it, and it is never dropped.
        let copy = ManuallyDrop::new(Some(unsafe { ptr::read(thread) }));
        // SAFETY: no look at the copy is under way, see `with`.
        COPY.with(|cell| unsafe { cell.get().write(copy) });
    };
    let _ = THREAD.try_with(repeat);
}

/// Calls `f` with the thread's registration, which is made on first use; with `None` when the
/// thread's locals are being destroyed and the registration is gone for good.
#[cfg(not(loom))]
#[inline(always)]
fn with<R>(f: impl FnOnce(Option<&Thread>) -> R) -> R {
    let copy = COPY.with(UnsafeCell::get);
    // SAFETY: the cell exists to the thread's very end, and this look ends before any write.
    if unsafe { (*copy).is_none() } {
        register();
    }
    // SAFETY: nothing writes to the cell while `f` runs, even if `f` calls the user's allocator,
    // and that this function. With a registration, `register` is not called. Without one, it fails
    // and writes nothing. And no call of this function is under way when the registration is
    // dropped.
    f(unsafe { (*copy).as_ref() })
}

#[cfg(loom)]
fn with<R>(f: impl FnOnce(Option<&Thread>) -> R) -> R {
    let mut f = Some(f);
    let mut call = |thread: Option<&Thread>| f.take().map(|f| f(thread));
    let result = match THREAD.try_with(|thread| call(Some(thread))) {
        Ok(result) => result,
        Err(_) => call(None),
    };
    match result {
        Some(result) => result,
        None => unreachable!("called once"),
    }
}

/// The number of the shard that the calling thread owns in every table with so many shards; if it
/// owns none, a number that no table has. Registers the thread.
pub(crate) fn own_shard() -> usize {
    with(|thread| thread.map_or(NO_SHARD, Thread::shard))
}

/// Like [`own_shard`], but does not register the thread (except under loom). For a thread that is
/// not registered yet, returns a number that no table has.
#[cfg(not(loom))]
#[inline]
pub(crate) fn own_shard_fast() -> usize {
    SHARD.get()
}

#[cfg(loom)]
pub(crate) fn own_shard_fast() -> usize {
    own_shard()
}

/// Pins the calling thread.
#[inline(always)]
pub(crate) fn pin() -> Guard {
    with(|thread| match thread {
        Some(thread) => thread.participant.pin(),
        None => pin_unregistered(),
    })
}

/// Pins a thread whose registration is gone, as a new participant.
#[cold]
fn pin_unregistered() -> Guard {
    Participant::register_for_one_pin().pin()
}

/// Whether the calling thread is pinned; `None` if its registration is gone and can't tell.
pub(crate) fn is_pinned() -> Option<bool> {
    with(|thread| thread.map(|thread| thread.participant.is_pinned()))
}
