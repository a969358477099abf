//! Readers without a record: threads that found no lease free, and threads whose locals are gone.
//! They pin by crossbeam-epoch, and count themselves.
//!
//! The collector is this crate's own. crossbeam's default one is pinned by other crates, whose
//! readers would then delay our drops.
//!
//! While the count is zero, crossbeam's epoch need not be asked: nobody is there. Otherwise a clock
//! counts the grace periods of crossbeam-epoch.
//!
//! - **Orderings**: edge "collector".

use crossbeam_epoch::Collector;

use super::{
    clock::{Clock, CollectorTicket},
    retired::RetiredStack,
};
use crate::sync::{fence, AtomicPtr, AtomicUsize, Ordering};

/// The collector and its readers.
#[derive(Debug)]
pub(super) struct Outsiders {
    collector: AtomicPtr<Collector>,
    /// How many guards there are without a record.
    guards: AtomicUsize,
    /// How many look-ups of signal handlers are under way.
    in_signals: AtomicUsize,
    /// Counts crossbeam's grace periods. Under loom on its own, since a closure that keeps all of
    /// this alive would keep itself alive.
    #[cfg(not(loom))]
    pub(super) clock: Clock,
    #[cfg(loom)]
    pub(super) clock: std::sync::Arc<Clock>,
    /// What waits for these readers.
    pub(super) parked: RetiredStack,
    /// What the clock showed when what waits was last given to all threads.
    moved_at: AtomicUsize,
}

impl Outsiders {
    crate::sync::const_unless_loom! {
        pub(super) const fn new() -> Self {
            Self {
                collector: AtomicPtr::new(std::ptr::null_mut()),
                guards: AtomicUsize::new(0),
                in_signals: AtomicUsize::new(0),
                #[cfg(not(loom))]
                clock: Clock::new(),
                #[cfg(loom)]
                clock: std::sync::Arc::new(Clock::new()),
                parked: RetiredStack::new(),
                moved_at: AtomicUsize::new(0),
            }
        }
    }

    /// The collector, made on the first call. It is never freed, as a static is not.
    pub(super) fn collector(&self) -> &Collector {
        // edge: collector. Acquire: the collector before the pointer to it.
        let mut collector = self.collector.load(Ordering::Acquire);
        if collector.is_null() {
            let made = Box::into_raw(Box::new(Collector::new()));
            // edge: collector. Release: the collector before the pointer to it. Acquire: the
            // winner's.
            collector = match self.collector.compare_exchange(
                std::ptr::null_mut(),
                made,
                Ordering::Release,
                Ordering::Acquire,
            ) {
                Ok(_) => made,
                Err(winner) => {
                    // SAFETY: made above, and shown to no other thread.
                    drop(unsafe { Box::from_raw(made) });
                    winner
                }
            };
        }
        // SAFETY: made by this thread or the winner, and not freed before `self` is.
        unsafe { &*collector }
    }

    /// Whether such a reader is in the way of something with that ticket.
    #[inline]
    pub(super) fn are_in_the_way(&self, ticket: Option<CollectorTicket>) -> bool {
        // edge: collector. Acquire: after all that the leaving readers did.
        if self.in_signals.load(Ordering::Acquire) != 0 {
            return true;
        }
        // edge: collector. Acquire: after all that the leaving readers did.
        self.guards.load(Ordering::Acquire) != 0
            && !ticket.is_some_and(|ticket| self.clock.is_over(ticket))
    }

    /// Whether what waits may have to wait no longer. A hint, but for the last reader, to whom it
    /// is true.
    pub(super) fn may_let_go(&self) -> bool {
        if self.parked.is_empty() {
            return false;
        }
        let clock = self.clock.now();
        // edge: none. A hint.
        if self.moved_at.swap(clock, Ordering::Relaxed) != clock {
            return true;
        }
        !self.are_in_the_way(None)
    }

    /// Whether one of these readers needs crossbeam's grace periods.
    pub(super) fn are_any(&self) -> bool {
        // edge: none. Without a reader nothing needs one.
        self.guards.load(Ordering::Relaxed) != 0
    }

    /// Counts a guard, before its first look at a slot.
    pub(super) fn enter(&self) {
        // edge: collector. Relaxed: ordered by the fence.
        self.guards.fetch_add(1, Ordering::Relaxed);
        // edge: collector. SeqCst fence between the count and the look at a slot; its twin is that
        // of a scan.
        fence(Ordering::SeqCst);
    }

    /// Ends it; then looks whether something waits for it.
    pub(super) fn leave(&self) -> bool {
        // edge: collector. Release: what the reader did comes before what those do who see the
        // count.
        self.guards.fetch_sub(1, Ordering::Release);
        // edge: turn. SeqCst fence between the count and the look at what waits; its twin stands
        // between a push and the look whether a reader is still there.
        fence(Ordering::SeqCst);
        self.may_let_go()
    }

    /// A ticket for a grace period of crossbeam-epoch that begins later.
    pub(super) fn ticket(&self) -> CollectorTicket {
        self.clock.ticket()
    }

    /// In a forked child, whose one thread has so many guards here. If it has none, the next one
    /// begins with a new collector: the old one has members that are gone.
    #[cfg(not(loom))]
    pub(super) fn after_fork(&self, guards: usize) {
        // edge: none. The child has one thread.
        self.guards.store(guards, Ordering::Relaxed);
        // edge: none. The child has one thread.
        self.in_signals.store(0, Ordering::Relaxed);
        if guards == 0 {
            self.clock.after_fork();
            // edge: none. The child has one thread.
            self.collector.store(std::ptr::null_mut(), Ordering::Relaxed);
        }
    }

    /// Begins the look-up of a signal handler: a count, and nothing else.
    pub(super) fn enter_signal(&self) {
        // edge: collector. Relaxed: ordered by the fence.
        self.in_signals.fetch_add(1, Ordering::Relaxed);
        // edge: collector. SeqCst fence between the count and the look at a slot; its twin is that
        // of a scan.
        fence(Ordering::SeqCst);
    }

    /// Ends it. Returns whether something may wait for it.
    pub(super) fn leave_signal(&self) -> bool {
        // edge: collector. Release: all that the handler did before.
        self.in_signals.fetch_sub(1, Ordering::Release);
        // edge: turn. SeqCst fence between the count and the look at what waits.
        fence(Ordering::SeqCst);
        !self.parked.is_empty()
    }
}

#[cfg(loom)]
impl Drop for Outsiders {
    fn drop(&mut self) {
        // edge: none. `&mut self`: no other thread has it.
        let collector = self.collector.load(Ordering::Relaxed);
        if !collector.is_null() {
            // SAFETY: made by `collector`.
            drop(unsafe { Box::from_raw(collector) });
        }
    }
}
