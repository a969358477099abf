//! The sentinel: a participant of the collector that belongs to no thread and reads nothing, but
//! stays pinned. With it, a pin need not scan all participants.
//!
//! On its first pin and every 128th, a thread has crossbeam-epoch try to advance the epoch. For
//! that it scans all participants. It reads a cache line of each, which that participant's thread
//! writes at each pin; and if it advances the epoch, it writes the line that each pin reads. While
//! nothing waits to be reclaimed, that work is for nothing. But the scan starts at the newest
//! participant and stops at the first one that is pinned in an older epoch. So we keep such a
//! participant at the front of the list, and the scan reads one line that is rarely written. When a
//! thread registers, a new sentinel is installed in front of it.
//!
//! Ending a grace period takes several steps of the epoch. Before each, a thread moves the sentinel
//! to the current epoch; then the epoch can advance by one.
//!
//! Correctness does not depend on it: one more participant can make a grace period longer, never
//! shorter. A try-lock guards the sentinel. A thread that finds it taken does not move the
//! sentinel.

use crossbeam_epoch::{Collector, Guard, LocalHandle};

use crate::sync::{AtomicBool, Ordering, TryLock};

/// See the module's head.
pub(super) struct Sentinel {
    pinned: TryLock<Option<PinnedParticipant>>,
    /// Whether threads may have registered since the sentinel did.
    stale: AtomicBool,
}

/// The sentinel's participant, with the guard that keeps it pinned.
struct PinnedParticipant {
    guard: Guard,
    _handle: LocalHandle,
}

// SAFETY: `guard` and `_handle` are all references to one participant, and they move from thread to
// thread only together, under the lock. A participant has cells in it, but nothing that is bound to
// one thread: read in crossbeam-epoch 0.9.21, and intended so since crossbeam#247.
unsafe impl Send for PinnedParticipant {}

impl PinnedParticipant {
    fn new(collector: &Collector) -> Self {
        let handle = collector.register();
        Self { guard: handle.pin(), _handle: handle }
    }
}

impl Sentinel {
    pub(super) const fn new() -> Self {
        Self { pinned: TryLock::new(None), stale: AtomicBool::new(false) }
    }

    /// Lets the epoch advance by one from where it is now.
    pub(super) fn advance(&self, collector: &Collector) {
        // Again for each thread that registered meanwhile and found the lock taken.
        // edge: none. A registration that is missed here is handled by the next call.
        while self.try_move(collector) && self.stale.load(Ordering::Relaxed) {}
    }

    /// To be called when a participant was registered. Until a new sentinel is in front of it,
    /// scans visit that participant first.
    pub(super) fn reinstall_in_front(&self, collector: &Collector) {
        // edge: none. A hint, see `advance`.
        self.stale.store(true, Ordering::Relaxed);
        self.advance(collector);
    }

    /// Moves the sentinel to the current epoch, or installs a new one in front of all participants;
    /// `false` if the lock is taken.
    fn try_move(&self, collector: &Collector) -> bool {
        self.pinned.try_with(|pinned| match pinned {
            // edge: none. A hint, see `advance`.
            Some(sentinel) if !self.stale.load(Ordering::Relaxed) => sentinel.guard.repin(),
            _ => {
                // edge: none. A hint, see `advance`.
                self.stale.store(false, Ordering::Relaxed);
                // The old one is removed before the new one is made: a participant's first pin
                // tries to advance the epoch, and the old sentinel would stop it.
                *pinned = None;
                *pinned = Some(PinnedParticipant::new(collector));
            }
        })
    }
}
