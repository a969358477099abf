//! Grace periods: counted one after the other, and shared by all tables of the process.
//!
//! crossbeam-epoch reports the end of a grace period by calling a deferred closure. Only one such
//! closure of ours is pending at a time, for all tables, and all it does is count. After deleting,
//! a thread takes a [`Ticket`], which tells later whether a full grace period has passed since. So
//! the collector's queue, which all threads share, gets one closure for each grace period instead
//! of one for each batch, and no user code runs inside some thread's `pin()`.
//!
//! - **Algorithm**: that of Linux's RCU for the sequence numbers of grace periods
//!   (`rcu_seq_snap`).
//! - **Collision**: if several threads try to begin a grace period, one of them does, for all.
//! - **ABA**: none. The count only grows, and is compared by difference, since it may wrap.
//! - **Orderings**: edge "grace".

#[cfg(not(loom))]
use crossbeam_utils::CachePadded;

use super::{collector::Guard, thread::pin};
#[cfg(not(loom))]
use crate::sync::TryLock;
use crate::sync::{fence, yield_now, AtomicUsize, Ordering};

/// Grace periods begun plus grace periods ended: odd while one is under way.
#[derive(Debug, Default)]
struct GraceClock(AtomicUsize);

/// The clock of the process.
#[cfg(not(loom))]
fn clock() -> &'static GraceClock {
    static CLOCK: CachePadded<GraceClock> = CachePadded::new(GraceClock(AtomicUsize::new(0)));
    &CLOCK
}

/// The clock of this execution. An `Arc`, since loom's statics end before the last closures run,
/// and each closure keeps its own. std's `Arc` adds no happens-before edge to a model.
#[cfg(loom)]
fn clock() -> std::sync::Arc<GraceClock> {
    loom::lazy_static! {
        static ref CLOCK: std::sync::Arc<GraceClock> = std::sync::Arc::default();
    }
    std::sync::Arc::clone(&CLOCK)
}

/// Held by a thread that advances the epoch after a full batch, so that not all such threads do.
/// Not under loom: a thread that finds it taken only waits for longer.
#[cfg(not(loom))]
static ADVANCING: CachePadded<TryLock<()>> = CachePadded::new(TryLock::new(()));

/// Calls of [`advance`] in one attempt. They are enough for two grace periods if no reader is in
/// the way: the one that may be under way, and the next. (One call, under loom.)
const ADVANCE_STEPS: usize = if cfg!(loom) { 1 } else { 4 };
/// Attempts before a thread gives up on a reader that stays pinned. Some are spent on the bags of
/// closures that ended threads have left in the collector's queue: a call takes out eight.
const ADVANCE_ATTEMPTS: usize = if cfg!(loom) { 6 } else { 64 };

/// Stands for a grace period that begins after the ticket was taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket {
    /// What the clock shows when that grace period is over.
    end: usize,
}

impl Ticket {
    /// A ticket for a grace period after all that the calling thread has done and seen so far.
    pub(crate) fn take() -> Self {
        // edge: grace. SeqCst fence between the unlinks and the load of the clock. Its twin is the
        // collector's own, when `advance` flushes the closure of a new grace period.
        fence(Ordering::SeqCst);
        // edge: grace. Relaxed: ordered by the fence.
        let now = clock().0.load(Ordering::Relaxed);
        // A grace period that is under way began too early, so the ticket is for the one after it.
        let end = now.wrapping_add(3) & !1;
        Self { end }
    }

    /// `true` only if every thread that was pinned when the ticket was taken has unpinned since.
    pub(crate) fn is_over(self) -> bool {
        // edge: grace. Acquire: after all that the readers did, through the closure.
        let now = clock().0.load(Ordering::Acquire);
        // A difference, since the clock may wrap.
        now.wrapping_sub(self.end) as isize >= 0
    }

    /// Tries to end the grace period, up to `ADVANCE_ATTEMPTS` times; returns whether it is over.
    /// Yields between attempts so that a preempted reader can finish; gives up on a reader that
    /// stays pinned.
    pub(crate) fn advance_patiently(self) -> bool {
        for _ in 0..ADVANCE_ATTEMPTS {
            if self.try_advance() {
                return true;
            }
            yield_now();
        }
        self.is_over()
    }

    /// Like [`advance_patiently`](Self::advance_patiently), but makes one attempt and never yields.
    pub(crate) fn try_advance(self) -> bool {
        for _ in 0..ADVANCE_STEPS {
            if self.is_over() {
                return true;
            }
            advance();
        }
        self.is_over()
    }

    /// Like [`try_advance`](Self::try_advance), but does nothing if another thread is in this
    /// function: that thread's work serves every ticket.
    pub(crate) fn try_advance_exclusive(self) {
        #[cfg(not(loom))]
        ADVANCING.try_with(|()| {
            self.try_advance();
        });
        #[cfg(loom)]
        self.try_advance();
    }

    /// A ticket whose grace period is over.
    #[cfg(all(test, loom))]
    pub(crate) fn past() -> Self {
        Self { end: 0 }
    }
}

/// Begins a grace period if none is under way, and tries to advance the epoch by one.
pub(super) fn advance() {
    let guard = pin();
    begin_grace_period(&guard);
    guard.flush();
}

fn begin_grace_period(guard: &Guard) {
    let clock = clock();
    // edge: none. The compare-exchange checks it.
    let now = clock.0.load(Ordering::Relaxed);
    if now % 2 == 1 {
        return;
    }
    let under_way = now.wrapping_add(1);
    // edge: grace. Relaxed: ordered by the fence with which the collector seals the closure, when
    // the caller flushes the guard.
    let begun = clock.0.compare_exchange(now, under_way, Ordering::Relaxed, Ordering::Relaxed);
    if begun.is_ok() {
        guard.defer(move || {
            // edge: grace. Release: a thread that sees the grace period over comes after all its
            // readers.
            clock.0.fetch_add(1, Ordering::Release);
        });
    }
}

/// What the clock shows now. While it shows the same, no ticket's grace period ends.
pub(crate) fn clock_now() -> usize {
    // edge: none. A hint whether tickets are worth a look.
    clock().0.load(Ordering::Relaxed)
}
