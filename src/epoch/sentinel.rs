//! The anchor: a participant of the epoch that belongs to no thread and reads nothing, but stays pinned.
//! It holds the epoch where it is until there is something to reclaim.
//!
//! Every 128th pin of a thread, crossbeam-epoch helps the epoch on. It looks at all participants, whose
//! lines their threads write with each pin, and moves the epoch, which each pin reads. While
//! nobody needs that, it is for nothing. It begins with the participant that came last, and goes no further than
//! the first that is pinned in an epoch gone by: that is the anchor, as a rule, whose line nobody writes. With
//! each step towards the end of a grace period it lets go of its epoch and takes the current one, so that this may
//! move by one. With each thread that comes a new anchor does, in front of it.
//!
//! Nothing leans on it but speed: one more participant can make a grace period longer, never shorter. Who
//! finds it in other hands goes on without.

use crossbeam_epoch::{Collector, Guard, LocalHandle};

use crate::sync::{AtomicBool, Ordering, TryLock};

/// See the head of this room.
pub(crate) struct Sentinel {
    place: TryLock<Option<Participant>>,
    /// Whether participants may have come since it did.
    behind: AtomicBool,
}

/// A participant, pinned.
struct Participant {
    guard: Guard,
    _handle: LocalHandle,
}

// SAFETY: these are all the references to one participant's own part, and they go from thread to thread
// together, in one hand at a time. There are cells in it, and nothing that is bound to a thread: seen in
// crossbeam-epoch 0.9.21, and meant so since crossbeam#247.
unsafe impl Send for Participant {}

impl Participant {
    fn new(collector: &Collector) -> Self {
        let handle = collector.register();
        Self {
            guard: handle.pin(),
            _handle: handle,
        }
    }
}

impl Sentinel {
    pub(crate) const fn new() -> Self {
        Self {
            place: TryLock::new(None),
            behind: AtomicBool::new(false),
        }
    }

    /// Lets the epoch go on by one from where it is now.
    pub(crate) fn step(&self, collector: &Collector) {
        // Once more for who has come meanwhile and was refused.
        // edge: none. Who is missed here is seen to by the next step.
        while self.turn(collector) && self.behind.load(Ordering::Relaxed) {}
    }

    /// The same when a participant has come: it is looked at before the anchor, until that is a new one.
    pub(crate) fn follow(&self, collector: &Collector) {
        // edge: none. As above.
        self.behind.store(true, Ordering::Relaxed);
        self.step(collector);
    }

    /// Moves the anchor, or puts a new one in front; `false` if somebody else has it in hand.
    fn turn(&self, collector: &Collector) -> bool {
        self.place.try_with(|place| match place {
            // edge: none. As above.
            Some(anchor) if !self.behind.load(Ordering::Relaxed) => anchor.guard.repin(),
            _ => {
                // edge: none. As above.
                self.behind.store(false, Ordering::Relaxed);
                // The old one first, which is in the way of the step that a participant's first pin tries.
                *place = None;
                *place = Some(Participant::new(collector));
            }
        })
    }
}
