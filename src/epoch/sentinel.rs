//! The sentinel: a participant of the collector that belongs to no thread and reads nothing, but
//! stays pinned. It spares the pins of all threads a scan.
//!
//! On every 128th pin of a thread, crossbeam-epoch tries to advance the epoch. For that it scans
//! all participants, whose cache lines their threads write with each pin; and if it advances the
//! epoch, it writes the line that each pin reads. While nothing waits to be reclaimed, that work is
//! for nothing. But the scan starts at the newest participant and stops at the first one that is
//! pinned in an older epoch. So we keep such a participant at the front of the list, and the scan
//! reads one line that is rarely written. When a thread registers, a new sentinel is installed in
//! front of it.
//!
//! To end a grace period, a thread moves the sentinel to the current epoch, which then may advance
//! by one.
//!
//! Correctness does not depend on it: one more participant can make a grace period longer, never
//! shorter. A thread that finds the lock taken skips the step.

use crossbeam_epoch::{Collector, Guard, LocalHandle};

use crate::sync::{AtomicBool, Ordering, TryLock};

/// See the module's head.
pub(super) struct Sentinel {
    pinned: TryLock<Option<Pinned>>,
    /// Whether threads may have registered since the sentinel did.
    stale: AtomicBool,
}

/// The sentinel's participant, with the guard that keeps it pinned.
struct Pinned {
    guard: Guard,
    _handle: LocalHandle,
}

// SAFETY: these two are all references to the participant's local part, and they move from thread
// to thread together, under the lock. The local part has cells in it and nothing that is bound to
// one thread: read in crossbeam-epoch 0.9.21, and intended so since crossbeam#247.
unsafe impl Send for Pinned {}

impl Pinned {
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
        // Once more for a thread that registered meanwhile and found the lock taken.
        // edge: none. A registration that is missed here is handled by the next call.
        while self.try_move(collector) && self.stale.load(Ordering::Relaxed) {}
    }

    /// To be called when a participant was registered: scans meet that one before the sentinel
    /// until a new sentinel stands in front of it.
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
                // The old one goes first: a participant's first pin tries to advance the epoch,
                // and the old sentinel would stop it.
                *pinned = None;
                *pinned = Some(Pinned::new(collector));
            }
        })
    }
}
