//! A reader without a record, and its guards.

use crossbeam_epoch::{self as epoch, LocalHandle};

use super::world::world;
use crate::sync::{fence, Ordering};

/// A thread's membership in the collector.
pub(super) struct Participant(LocalHandle);

impl Participant {
    pub(super) fn register() -> Self {
        Self(world().outsiders.collector().register())
    }

    pub(super) fn pin(&self) -> OutsiderGuard {
        let world = world();
        world.outsiders.enter();
        OutsiderGuard {
            guard: self.0.pin(),
            #[cfg(loom)]
            world,
        }
    }

    pub(super) fn is_pinned(&self) -> bool {
        self.0.is_pinned()
    }
}

/// A guard of a reader without a record.
pub(super) struct OutsiderGuard {
    guard: epoch::Guard,
    /// Not the static's, which may be gone.
    #[cfg(loom)]
    world: super::world::WorldRef,
}

impl OutsiderGuard {
    pub(super) fn repin(&mut self) {
        self.guard.repin();
        // edge: collector. SeqCst fence, as in every pin, between the announced epoch and the next
        // look at a slot. crossbeam's `repin` has no fence there.
        fence(Ordering::SeqCst);
    }

    /// Lets go; then looks whether something waits for it.
    pub(super) fn let_go(self) -> bool {
        #[cfg(loom)]
        let world = self.world;
        #[cfg(not(loom))]
        let world = world();
        drop(self.guard);
        world.outsiders.leave()
    }
}

/// Begins a grace period of crossbeam-epoch if none is under way, and tries to advance its epoch by
/// one.
pub(super) fn advance_collector() {
    let world = world();
    if !world.outsiders.are_any() {
        return;
    }
    let guard = world.outsiders.collector().register().pin();
    if world.outsiders.clock.begin() {
        #[cfg(not(loom))]
        let clock = &world.outsiders.clock;
        #[cfg(loom)]
        let clock = std::sync::Arc::clone(&world.outsiders.clock);
        guard.defer(move || clock.end());
    }
    guard.flush();
}
