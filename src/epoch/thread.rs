//! What a thread has of its own: a place among the participants of the crate's epoch collector,
//! and a lease. Both are taken on its first use of any table and given back when it ends.
//!
//! All of it works while the thread's locals are being destroyed, in any order: by then it may be
//! gone, and the thread goes on without a lease and with a new participant for each pin.

use std::cell::Cell;
#[cfg(not(loom))]
use std::{cell::UnsafeCell, mem::ManuallyDrop, ptr};

use crossbeam_epoch::{self as epoch, Collector, LocalHandle};
#[cfg(not(loom))]
use crossbeam_utils::CachePadded;

use super::lease::{leases, Leases};
#[cfg(not(loom))]
use super::sentinel::Sentinel;
use crate::sync::{fence, thread_local, Ordering};

/// The collector of all tables, and of nothing else: crossbeam's default one is pinned by others.
#[cfg(not(loom))]
fn collector() -> &'static Collector {
    static COLLECTOR: std::sync::OnceLock<Collector> = std::sync::OnceLock::new();
    COLLECTOR.get_or_init(Collector::new)
}

#[cfg(loom)]
fn collector() -> &'static Collector {
    loom::lazy_static! {
        static ref COLLECTOR: Collector = Collector::new();
    }
    &COLLECTOR
}

/// Holds the collector's epoch back. Not under loom: it can only make grace periods longer.
#[cfg(not(loom))]
static SENTINEL: CachePadded<Sentinel> = CachePadded::new(Sentinel::new());

/// A shard number that no table has.
const NO_SHARD: usize = usize::MAX;

/// What a thread has: its place among the epoch's participants, and its lease.
struct Thread {
    participant: LocalHandle,
    /// The number of the shard that it owns in every table that has so many, and [`NO_SHARD`] if
    /// it has no lease. Shard 0 is nobody's, so it is one more than the lease number.
    shard: usize,
    leases: LeasesRef,
}

#[cfg(not(loom))]
type LeasesRef = &'static Leases;
#[cfg(loom)]
type LeasesRef = crate::sync::Arc<Leases>;

impl Thread {
    fn new() -> Self {
        let leases = leases();
        let participant = collector().register();
        #[cfg(not(loom))]
        SENTINEL.follow(collector());
        Self {
            participant,
            shard: leases.claim().map_or(NO_SHARD, |lease| lease + 1),
            leases,
        }
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        #[cfg(not(loom))]
        {
            SHARD.set(NO_SHARD);
            // SAFETY: as in `with`.
            COPY.with(|copy| unsafe { copy.get().write(ManuallyDrop::new(None)) });
            // It leaves a bag in the collector's queue; this takes some out.
            Guard(self.participant.pin()).flush();
        }
        if self.shard != NO_SHARD {
            self.leases.release(self.shard - 1);
        }
    }
}

thread_local! {
    /// Owns the thread's state; its destructor gives the lease back.
    static THREAD: Thread = Thread::new();
}

#[cfg(not(loom))]
thread_local! {
    /// A copy of `THREAD` while that exists, never dropped itself: without a destructor and lazy
    /// initialization, so that the way to the participant is one look and one load.
    static COPY: UnsafeCell<ManuallyDrop<Option<Thread>>> =
        const { UnsafeCell::new(ManuallyDrop::new(None)) };
    /// The shard of `THREAD` while that exists, for the same reason.
    static SHARD: Cell<usize> = const { Cell::new(NO_SHARD) };
}

/// Makes the copy, and first what it is a copy of, unless the thread's locals are being destroyed.
#[cfg(not(loom))]
#[cold]
#[inline(never)]
fn find() {
    let copy = |thread: &Thread| {
        SHARD.set(thread.shard);
        // SAFETY: of a number, a reference, and a handle that is a pointer. It is used while the
        // original is there, whose drop takes it away, and it is not dropped.
        let copy = ManuallyDrop::new(Some(unsafe { ptr::read(thread) }));
        // SAFETY: as in `with`.
        COPY.with(|place| unsafe { place.get().write(copy) });
    };
    // Else there is none, which `with` finds.
    let _ = THREAD.try_with(copy);
}

/// Calls `f` with the thread's state, which is made on first use; with `None` when the thread's
/// locals are being destroyed and it is gone for good.
#[cfg(not(loom))]
#[inline(always)]
fn with<R>(f: impl FnOnce(Option<&Thread>) -> R) -> R {
    let copy = COPY.with(UnsafeCell::get);
    // SAFETY: it is there, and this look is over before anyone writes.
    if unsafe { (*copy).is_none() } {
        find();
    }
    // SAFETY: no one writes while `f` looks, although that may run an allocator of the user's, and
    // so this again. Where there is a state, `find` is not called, and the state ends after the
    // thread's last call. Where there is none, `find` finds none.
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

/// The number of the shard that the calling thread owns, in tables that have so many.
pub(crate) fn own_shard() -> usize {
    with(|thread| thread.map_or(NO_SHARD, |thread| thread.shard))
}

/// The same where that is known at a glance, and else a number that no table has.
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
    Guard(with(|thread| match thread {
        Some(thread) => thread.participant.pin(),
        None => pin_without_thread(),
    }))
}

/// Pins as a new participant, which goes with the guard.
#[cold]
fn pin_without_thread() -> epoch::Guard {
    let participant = collector().register();
    // Its first pin helps the epoch on, so that what it leaves is given back.
    #[cfg(not(loom))]
    SENTINEL.step(collector());
    participant.pin()
}

/// A pin of the calling thread: what it sees under this is not dropped before this is gone.
pub(crate) struct Guard(epoch::Guard);

impl Guard {
    /// Lets go of what was seen and pins anew; nothing if the thread has other guards.
    #[inline]
    pub(crate) fn repin(&mut self) {
        self.0.repin();
        // edge: grace. As in every pin, between the announced epoch and the next look at a slot.
        // crossbeam's `repin` has no fence there: on a weakly ordered processor that look could
        // come from before, and see an old state under a new epoch.
        fence(Ordering::SeqCst);
    }

    /// Has `f` called, by any thread, after a grace period that begins now.
    pub(crate) fn defer(&self, f: impl FnOnce() + Send + 'static) {
        self.0.defer(f);
    }

    /// Makes what this thread has deferred known to all, and helps the epoch forward.
    pub(crate) fn flush(&self) {
        #[cfg(not(loom))]
        SENTINEL.step(collector());
        self.0.flush();
    }
}

#[cfg(not(loom))]
impl Drop for Guard {
    #[inline(always)]
    fn drop(&mut self) {
        if self.0.collector().is_none() {
            // SAFETY: a participant pinned it, and only the guard that `unprotected` gives is
            // without a collector. With that said, the drop of the field need not ask.
            unsafe { std::hint::unreachable_unchecked() }
        }
    }
}

/// Whether the calling thread is pinned; `None` if its state is gone and can't say.
pub(crate) fn is_pinned() -> Option<bool> {
    with(|thread| thread.map(|thread| thread.participant.is_pinned()))
}

thread_local! {
    /// How many values this thread is in the middle of dropping, one inside the other. It has no
    /// destructor, so under std it is there to the thread's very end.
    // Not `const`, which loom's macro doesn't know.
    #[allow(clippy::missing_const_for_thread_local)]
    static DROPPING: Cell<usize> = Cell::new(0);
}

/// Whether the calling thread is inside the `Drop` of a value that some table is dropping.
pub(crate) fn is_dropping() -> bool {
    DROPPING.try_with(|depth| depth.get() > 0).unwrap_or(false)
}

/// Runs `f`, which drops values, with [`is_dropping`] true.
pub(crate) fn while_dropping<R>(f: impl FnOnce() -> R) -> R {
    fn add(step: isize) {
        // Fails under loom only, at the end of a thread, where the depth is of no use.
        let _ = DROPPING.try_with(|depth| depth.set(depth.get().wrapping_add_signed(step)));
    }
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            add(-1);
        }
    }
    add(1);
    let _leave = Leave;
    f()
}
