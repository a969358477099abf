//! A reader without a record, and its guards.

use std::cell::RefCell;

use crossbeam_epoch::{self as epoch, LocalHandle};

use super::world::world;
use crate::sync::{fence, Ordering};

/// A thread's membership in the collector.
pub(super) struct Participant(RefCell<LocalHandle>);

impl Participant {
    pub(super) fn register() -> Self {
        Self(RefCell::new(world().outsiders.collector().register()))
    }

    pub(super) fn pin(&self) -> OutsiderGuard {
        let world = world();
        let collector = world.outsiders.collector();
        // A forked child has another one, if this thread had no guard when it forked.
        let is_of_parent = self.0.borrow().collector() != collector;
        if is_of_parent {
            self.0.replace(collector.register());
        }
        world.outsiders.enter();
        OutsiderGuard {
            guard: self.0.borrow().pin(),
            #[cfg(loom)]
            world,
        }
    }

    pub(super) fn is_pinned(&self) -> bool {
        self.0.borrow().is_pinned()
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
    /// Gives up what was seen under the pin, and pins anew; then looks whether something need not
    /// wait for it any more. That comes in steps: another repin, or the guard's end, has the rest.
    pub(super) fn repin(&mut self) -> bool {
        self.guard.repin();
        // edge: collector. SeqCst fence, as in every pin, between the announced epoch and the next
        // look at a slot. crossbeam's `repin` has no fence there.
        fence(Ordering::SeqCst);
        let outsiders = &world().outsiders;
        if outsiders.parked.is_empty() {
            return false;
        }
        advance_collector();
        outsiders.may_let_go()
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
    let collector = world.outsiders.collector();
    let guard = collector.register().pin();
    if world.outsiders.clock.begin() {
        #[cfg(not(loom))]
        guard.defer(move || {
            // That of a forked child's parent ends nothing.
            if std::ptr::eq(collector, world.outsiders.collector()) {
                world.outsiders.clock.end();
            }
        });
        #[cfg(loom)]
        let clock = std::sync::Arc::clone(&world.outsiders.clock);
        #[cfg(loom)]
        guard.defer(move || clock.end());
    }
    guard.flush();
}
