//! Grace periods for what is batched: counted in eras, and shared by all tables of the process.
//!
//! After deleting, a thread takes a [`Ticket`] for the next era. It tells later whether every
//! reader of an earlier era has let go. Whoever calls [`advance`] begins an era, makes a barrier,
//! and looks at all records once; the oldest era that it finds decides which tickets are over, for
//! all.
//!
//! - **Orderings**: edge "grace".

use super::{
    eras::{earlier, MOST_BEHIND},
    outsider::advance_collector,
    own::own_id,
    world::{world, World},
};
use crate::sync::yield_now;

/// Attempts before a thread gives up on a reader that stays pinned.
const ATTEMPTS: usize = if cfg!(loom) { 4 } else { 64 };

/// Stands for a grace period that begins after the ticket was taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket {
    /// Over when all readers of eras before this have let go.
    era: usize,
    /// How many sixteenths of all eras were over when it was taken.
    sixteenths: usize,
}

impl Ticket {
    /// A ticket for a grace period after all that the calling thread has done and seen so far.
    pub(crate) fn take() -> Self {
        let era = world().eras.next_era();
        Self { era, sixteenths: world().grace.sixteenths() }
    }

    /// `true` only if every thread that was pinned when the ticket was taken has unpinned since.
    pub(crate) fn is_over(self) -> bool {
        world().grace.is_over(self.era, self.sixteenths)
    }

    /// Tries to end the grace period, several times; returns whether it is over. Yields between
    /// attempts so that a preempted reader can finish; gives up on a reader that stays pinned.
    pub(crate) fn advance_patiently(self) -> bool {
        for _ in 0..ATTEMPTS {
            if self.try_advance() {
                return true;
            }
            yield_now();
        }
        self.is_over()
    }

    /// Like [`advance_patiently`](Self::advance_patiently), but makes one attempt and never yields.
    pub(crate) fn try_advance(self) -> bool {
        if !self.is_over() {
            advance();
        }
        self.is_over()
    }

    /// A ticket for what waits for no reader. It is not to be asked.
    pub(crate) fn past() -> Self {
        Self { era: 0, sixteenths: 0 }
    }
}

/// Begins an era for what waits for its readers without a ticket. Tickets are brought up to date
/// before they are too far behind.
pub(super) fn begin_era(world: &World) -> usize {
    let target = world.begin_era();
    if target.wrapping_sub(world.grace.over()) > MOST_BEHIND / 2 {
        advance();
        if !world.eras.has_begun(target) {
            // Perhaps it may begin now.
            return world.begin_era();
        }
    }
    target
}

/// Begins an era, and finds out which readers are left from before.
pub(super) fn advance() {
    let world = world();
    let target = world.begin_era();
    // Perhaps none has begun. What was unlinked since then waits for one that has.
    let target = earlier(target, world.eras.now().era());
    let Some(oldest) = world.scan_eras(target, own_id()) else { return };
    if !world.outsiders.are_in_the_way(None) {
        world.grace.raise(oldest);
        // Older than that now, and not to be compared with much later eras.
        world.grace.waiting.try_with(|waiting| *waiting = None);
        return;
    }
    world.grace.waiting.try_with(|waiting| match *waiting {
        Some((era, ticket)) if !world.outsiders.are_in_the_way(Some(ticket)) => {
            world.grace.raise(era);
            *waiting = None;
        }
        Some(_) => {}
        None => *waiting = Some((oldest, world.outsiders.ticket())),
    });
    advance_collector();
}
