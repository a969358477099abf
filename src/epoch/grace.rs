//! [`Grace`]: what is known of the readers' eras.
//!
//! - **Orderings**: edge "grace".

use super::{clock::CollectorTicket, eras::is_before};
use crate::sync::{AtomicUsize, Ordering, TryLock};

/// What is known of the readers' eras.
pub(super) struct Grace {
    /// All readers of eras before this have let go.
    over: AtomicUsize,
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
            Self { over: AtomicUsize::new(0), waiting: TryLock::new(None) }
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
        let _ = self.over.fetch_update(Ordering::Release, Ordering::Relaxed, later);
    }
}
