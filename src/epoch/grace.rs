//! Grace periods: counted one after the other, and shared by all tables of the process.
//!
//! A grace period is over when every thread that was pinned at its beginning has unpinned. crossbeam-epoch tells so by
//! calling a closure. One such closure is under way at a time, whoever waits for it, and all it does is count. Who has
//! deleted something takes a [`Ticket`], and sees by it whether a grace period has begun since and is over. So the
//! collector's queue, which all threads share, has one closure for a grace period and not one for each batch; and no
//! user code runs inside somebody's `pin()`.
//!
//! **Algorithm**: that of Linux's RCU for the sequence numbers of grace periods (`rcu_seq_snap`). **Collision**: of
//! several that would begin a grace period one does, for all. **ABA**: none; the count goes one way. **Orderings**:
//! edge "grace".

#[cfg(not(loom))]
use crossbeam_utils::CachePadded;

use super::thread::{self, Guard};
#[cfg(not(loom))]
use crate::sync::TryLock;
use crate::sync::{fence, yield_now, AtomicUsize, Ordering};

/// Grace periods begun, and grace periods over: odd while one is under way.
#[derive(Debug, Default)]
pub(crate) struct Clock(AtomicUsize);

/// The clock of the process.
#[cfg(not(loom))]
fn clock() -> &'static Clock {
    static CLOCK: CachePadded<Clock> = CachePadded::new(Clock(AtomicUsize::new(0)));
    &CLOCK
}

/// The clock of this execution. Shared, not static, since loom's statics end before the last closures come; by std's
/// means, which give loom no edges.
#[cfg(loom)]
fn clock() -> std::sync::Arc<Clock> {
    loom::lazy_static! {
        static ref CLOCK: std::sync::Arc<Clock> = std::sync::Arc::default();
    }
    std::sync::Arc::clone(&CLOCK)
}

/// Who helps the epoch on alone. Not under loom: that can only make others wait for longer.
#[cfg(not(loom))]
static ADVANCER: CachePadded<TryLock<()>> = CachePadded::new(TryLock::new(()));

/// For a grace period that begins after the ticket was taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket {
    /// What the clock shows when it is over.
    end: usize,
}

impl Ticket {
    /// For a grace period after all that the calling thread has done and seen so far.
    pub(crate) fn take() -> Self {
        // edge: grace. Between the unlinks and the look at the clock; who begins a grace period has its twin.
        fence(Ordering::SeqCst);
        // edge: grace. By the fence.
        let now = clock().0.load(Ordering::Relaxed);
        // The end of the next one: that which may be under way has begun too early.
        let end = now.wrapping_add(3) & !1;
        Self { end }
    }

    /// Whether it is over: every thread that was pinned when the ticket was taken has unpinned since.
    pub(crate) fn is_over(self) -> bool {
        // edge: grace. After all readers, by way of the closure.
        let now = clock().0.load(Ordering::Acquire);
        // It may have gone round.
        now.wrapping_sub(self.end) as isize >= 0
    }

    /// Helps the epoch on until it is over or readers are in the way; says whether it is over. Who was only preempted
    /// while pinned gets a chance to run, who holds on makes this give up.
    pub(crate) fn advance_patiently(self) -> bool {
        for _ in 0..ADVANCE_ATTEMPTS {
            if self.try_advance() {
                return true;
            }
            yield_now();
        }
        self.is_over()
    }

    /// The same without a chance for anybody.
    pub(crate) fn try_advance(self) -> bool {
        for _ in 0..ADVANCE_STEPS {
            if self.is_over() {
                return true;
            }
            step();
        }
        self.is_over()
    }

    /// The same unless somebody else does it now, which serves all.
    pub(crate) fn try_advance_exclusive(self) {
        #[cfg(not(loom))]
        ADVANCER.try_with(|()| {
            self.try_advance();
        });
        #[cfg(loom)]
        self.try_advance();
    }

    /// One that is over.
    #[cfg(all(test, loom))]
    pub(crate) fn past() -> Self {
        Self { end: 0 }
    }
}

/// Begins a grace period, if none is under way, and helps the epoch on by one.
pub(crate) fn step() {
    let guard = thread::pin();
    begin(&guard);
    guard.flush();
}

fn begin(guard: &Guard) {
    let clock = clock();
    // edge: none. The compare-exchange checks it.
    let now = clock.0.load(Ordering::Relaxed);
    if now % 2 == 1 {
        return;
    }
    let under_way = now.wrapping_add(1);
    // edge: grace. By the fence with which the collector seals the closure, when the guard is flushed.
    let begun = clock
        .0
        .compare_exchange(now, under_way, Ordering::Relaxed, Ordering::Relaxed);
    if begun.is_ok() {
        guard.defer(move || {
            // edge: grace. What all readers did comes before what those do who see that it is over.
            clock.0.fetch_add(1, Ordering::Release);
        });
    }
}

/// What the clock shows now: as long as it shows the same, no ticket's grace period comes to its end.
pub(crate) fn now() -> usize {
    // edge: none. Only whether it is worth a look at the tickets.
    clock().0.load(Ordering::Relaxed)
}

/// Steps that two grace periods take, one that has begun too early and the next, if nobody is in the way.
const ADVANCE_STEPS: usize = if cfg!(loom) { 1 } else { 4 };
/// Chances for readers who were preempted, before it is given up. Some steps go by with what ended threads have left in
/// the collector's queue, eight bags at a time.
const ADVANCE_ATTEMPTS: usize = if cfg!(loom) { 6 } else { 64 };
