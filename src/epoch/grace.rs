//! [`Grace`]: what is known of the readers' eras.
//!
//! - **Orderings**: edge "grace".

use super::{clock::CollectorTicket, eras::is_before};
use crate::sync::{AtomicUsize, Ordering, TryLock};

/// What is known of the readers' eras.
pub(super) struct Grace {
    /// All readers of eras before this have let go.
    over: AtomicUsize,
    /// How many sixteenths of all eras that has passed. Unlike eras, it does not wrap.
    sixteenths: AtomicUsize,
    /// An era of which the same is true of all readers with a record; those without one may read
    /// until the ticket is over.
    pub(super) waiting: TryLock<Option<(usize, CollectorTicket)>>,
}

impl std::fmt::Debug for Grace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Grace").field("over", &self.over).finish_non_exhaustive()
    }
}

impl Grace {
    crate::sync::const_unless_loom! {
        pub(super) const fn new() -> Self {
            Self {
                over: AtomicUsize::new(0),
                sixteenths: AtomicUsize::new(0),
                waiting: TryLock::new(None),
            }
        }
    }

    pub(super) fn over(&self) -> usize {
        // edge: grace. Acquire: after all that the readers did.
        self.over.load(Ordering::Acquire)
    }

    pub(super) fn raise(&self, to: usize) {
        let later = |over| is_before(over, to).then_some(to);
        // edge: grace. Release: what the readers did, whom this thread has seen gone. Relaxed on
        // failure: nothing is concluded.
        let raised = self.over.fetch_update(Ordering::Release, Ordering::Relaxed, later);
        let sixteenths = raised.map_or(0, |before| sixteenth(to).wrapping_sub(sixteenth(before)));
        if sixteenths > 0 {
            // edge: grace. Release: as above.
            self.sixteenths.fetch_add(sixteenths % 16, Ordering::Release);
        }
    }

    /// How many sixteenths of all eras are over so far.
    pub(super) fn sixteenths(&self) -> usize {
        // edge: grace. Acquire: after all that the readers did.
        self.sixteenths.load(Ordering::Acquire)
    }

    /// Whether all readers of eras before `era` have let go, which was the next era when `before`
    /// sixteenths were over. It may be long ago, and eras wrap: so they are not compared once so
    /// many sixteenths have passed that it is over.
    pub(super) fn is_over(&self, era: usize, before: usize) -> bool {
        !is_before(self.over(), era) || self.sixteenths().wrapping_sub(before) > PASSED
    }
}

/// An era is at most a quarter of all eras after what is over when it is the next one. So it is
/// over when five more sixteenths have begun to be; one more may be counted too late.
const PASSED: usize = 5;

fn sixteenth(era: usize) -> usize {
    era >> (usize::BITS - 4)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn an_era_stays_over_however_many_eras_follow() {
        let sixty_fourth = 1 << (usize::BITS - 6);
        let go_on = |grace: &Grace| grace.raise(grace.over().wrapping_add(sixty_fourth));
        for begin in 0..64 {
            let grace = Grace::new();
            (0..begin).for_each(|_| go_on(&grace));
            let before = grace.sixteenths();
            // As late as the next era can be.
            let era = grace.over().wrapping_add(16 * sixty_fourth);
            for _ in 0..16 {
                assert!(!grace.is_over(era, before));
                go_on(&grace);
            }
            for _ in 0..200 {
                assert!(grace.is_over(era, before));
                go_on(&grace);
            }
        }
    }
}
