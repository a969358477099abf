//! [`Clock`]: counts the grace periods of crossbeam-epoch.
//!
//! crossbeam-epoch calls a deferred closure at the end of one. Only one closure of ours is pending
//! at a time, and all it does is count.
//!
//! - **Algorithm**: that of Linux's RCU for the sequence numbers of grace periods
//!   (`rcu_seq_snap`).
//! - **Collision**: if several threads try to begin a grace period, one of them does, for all.
//! - **ABA**: none. The count only grows, and is compared by difference, since it may wrap.
//! - **Orderings**: edge "collector".

use crate::sync::{fence, AtomicUsize, Ordering};

/// Grace periods begun plus grace periods ended: odd while one is under way.
#[derive(Debug)]
pub(super) struct Clock(AtomicUsize);

/// Stands for a grace period of crossbeam-epoch that begins after the ticket was taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct CollectorTicket {
    /// What the clock shows when that grace period is over.
    end: usize,
}

impl Clock {
    crate::sync::const_unless_loom! {
        pub(super) const fn new() -> Self {
            Self(AtomicUsize::new(0))
        }
    }

    /// What it shows. A hint.
    pub(super) fn now(&self) -> usize {
        // edge: none. A hint.
        self.0.load(Ordering::Relaxed)
    }

    /// A ticket for a grace period after all that the calling thread has done and seen so far.
    pub(super) fn ticket(&self) -> CollectorTicket {
        // edge: collector. SeqCst fence between the unlinks and the load of the clock. Its twin is
        // the collector's own, when the closure of a new grace period is flushed.
        fence(Ordering::SeqCst);
        // edge: collector. Relaxed: ordered by the fence.
        let now = self.0.load(Ordering::Relaxed);
        // A grace period that is under way began too early, so the ticket is for the one after it.
        CollectorTicket { end: now.wrapping_add(3) & !1 }
    }

    /// `true` only if every such reader from before the ticket has let go since.
    pub(super) fn is_over(&self, ticket: CollectorTicket) -> bool {
        // edge: collector. Acquire: after all that the readers did, through the closure.
        let now = self.0.load(Ordering::Acquire);
        // A difference, since the clock may wrap.
        now.wrapping_sub(ticket.end) as isize >= 0
    }

    /// Begins a grace period, unless one is under way. The caller is pinned, and then defers a
    /// closure that [ends](Self::end) it.
    pub(super) fn begin(&self) -> bool {
        // edge: none. The compare-exchange checks it.
        let now = self.0.load(Ordering::Relaxed);
        let under_way = now.wrapping_add(1);
        // edge: collector. Relaxed: ordered by the fence with which crossbeam seals the closure,
        // when the guard is flushed.
        now % 2 == 0
            && self.0.compare_exchange(now, under_way, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// In a forked child: the grace period that is under way, if one is, has lost its closure.
    #[cfg(not(loom))]
    pub(super) fn after_fork(&self) {
        if self.now() % 2 == 1 {
            self.end();
        }
    }

    /// Ends the grace period that is under way.
    pub(super) fn end(&self) {
        // edge: collector. Release: a thread that sees the grace period over comes after all its
        // readers.
        self.0.fetch_add(1, Ordering::Release);
    }
}
