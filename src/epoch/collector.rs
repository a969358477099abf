//! The epoch collector of all tables, its participants, and their guards.
//!
//! The collector is this crate's own. crossbeam's default one is pinned by other crates, whose
//! readers would then delay our drops. Only this file and `sentinel.rs` name crossbeam-epoch.

use crossbeam_epoch::{self as epoch, Collector, LocalHandle};
#[cfg(not(loom))]
use crossbeam_utils::CachePadded;

#[cfg(not(loom))]
use super::sentinel::Sentinel;
use crate::sync::{fence, Ordering};

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

/// Not under loom: a sentinel can only make grace periods longer.
#[cfg(not(loom))]
static SENTINEL: CachePadded<Sentinel> = CachePadded::new(Sentinel::new());

/// A member of the collector's list, which its thread pins and unpins.
pub(super) struct Participant(LocalHandle);

impl Participant {
    /// Registers a participant for a thread.
    pub(super) fn register() -> Self {
        let handle = collector().register();
        #[cfg(not(loom))]
        SENTINEL.reinstall_in_front(collector());
        Self(handle)
    }

    /// Registers a participant that is used for one pin, and is gone with its guard.
    pub(super) fn register_for_one_pin() -> Self {
        let handle = collector().register();
        // A participant's first pin tries to advance the epoch. The sentinel is moved first, so
        // that the try can succeed, and reclaim the memory of earlier participants.
        #[cfg(not(loom))]
        SENTINEL.advance(collector());
        Self(handle)
    }

    #[inline(always)]
    pub(super) fn pin(&self) -> Guard {
        Guard(self.0.pin())
    }

    pub(super) fn is_pinned(&self) -> bool {
        self.0.is_pinned()
    }
}

/// A pin of the calling thread. No value that the thread sees under the pin is dropped before the
/// guard is.
pub(crate) struct Guard(epoch::Guard);

impl Guard {
    /// Gives up everything seen under this pin and pins anew. Has no effect if the thread has
    /// other guards.
    #[inline]
    pub(crate) fn repin(&mut self) {
        self.0.repin();
        // edge: grace. SeqCst fence, as in every pin, between the announced epoch and the next look
        // at a slot. crossbeam's `repin` has no fence there: on a weakly ordered processor the load
        // of a state could take place before the new epoch is announced, and see an old state under
        // it.
        fence(Ordering::SeqCst);
    }

    /// Has `f` called, by any thread, after a grace period that begins now.
    pub(super) fn defer(&self, f: impl FnOnce() + Send + 'static) {
        self.0.defer(f);
    }

    /// Makes this thread's deferred closures visible to all threads, and tries to advance the
    /// epoch.
    pub(super) fn flush(&self) {
        #[cfg(not(loom))]
        SENTINEL.advance(collector());
        self.0.flush();
    }
}

#[cfg(not(loom))]
impl Drop for Guard {
    #[inline(always)]
    fn drop(&mut self) {
        if self.0.collector().is_none() {
            // SAFETY: `Participant::pin` made the guard, and only `epoch::unprotected` makes one
            // without a collector. The field's drop then has no test for it: an insert, a look-up
            // and a delete together take 4 % less time.
            unsafe { std::hint::unreachable_unchecked() }
        }
    }
}
