//! [`Guard`]: a pin of the calling thread.

use std::{
    marker::PhantomData,
    mem::{ManuallyDrop, MaybeUninit},
};

#[cfg(not(loom))]
use super::own::OUTSIDE;
use super::{
    outsider::OutsiderGuard,
    retired::RetiredList,
    thread::{self, Membership, OwnRecord, Thread},
    turn::take_turn,
    world::world,
};
use crate::sync::{forks, OnDrop};

/// A pin of the calling thread. No value that the thread sees under the pin is dropped before the
/// guard is.
///
/// Few words without drop glue, so that it stays in registers.
pub(crate) struct Guard {
    /// `None` for a reader without one.
    pub(super) record: Option<OwnRecord>,
    /// The guard of such a reader; nothing in a signal handler.
    outsider: MaybeUninit<OutsiderGuard>,
    _this_thread: PhantomData<*const ()>,
}

/// Pins the calling thread.
#[inline(always)]
pub(crate) fn pin() -> Guard {
    match thread::own_record() {
        Some(record) => Guard::of_record(record),
        None => pin_slow(),
    }
}

/// Pins a thread that has no record, or is not registered yet.
#[cold]
#[inline(never)]
fn pin_slow() -> Guard {
    match thread::membership() {
        Membership::Record(record) => Guard::of_record(record),
        Membership::Outsider(guard) => {
            #[cfg(not(loom))]
            OUTSIDE.set(OUTSIDE.get() + 1);
            Guard { record: None, outsider: MaybeUninit::new(guard), _this_thread: PhantomData }
        }
    }
}

impl Guard {
    #[inline(always)]
    fn of_record(record: OwnRecord) -> Self {
        pin_record(&record);
        Self::of_pinned(record)
    }

    /// The guard of a reader that is pinned for it.
    #[inline(always)]
    pub(super) fn of_pinned(record: OwnRecord) -> Self {
        Self { record: Some(record), outsider: MaybeUninit::uninit(), _this_thread: PhantomData }
    }

    /// Gives up everything seen under this pin and pins anew. Has no effect if the thread has
    /// other guards.
    #[inline]
    pub(crate) fn repin(&mut self) {
        match &self.record {
            Some(record) => {
                if record.has_one_guard() {
                    unpin(record);
                    pin_record(record);
                }
            }
            None => {
                // SAFETY: a guard that can be repinned is not a signal handler's.
                let outsider = unsafe { self.outsider.assume_init_mut() };
                if outsider.repin() {
                    drop_parked_outside();
                }
            }
        }
    }
}

impl Drop for Guard {
    #[inline(always)]
    fn drop(&mut self) {
        match &self.record {
            Some(record) => unpin(record),
            // SAFETY: a guard that is dropped is not a signal handler's, and this is its end.
            None => leave_outside(unsafe { self.outsider.assume_init_read() }),
        }
    }
}

/// Calls `f`, which looks at values, in a signal handler: counts the look-up, and touches nothing
/// of the thread's own. What waits for it is left to the next call of any thread.
pub(crate) fn in_signal<R>(f: impl FnOnce(&Guard) -> R) -> R {
    let world = world();
    let forks_before = forks();
    world.outsiders.enter_signal();
    let leave = OnDrop(|| {
        // A child that was forked meanwhile counts none.
        if forks() == forks_before && world.outsiders.leave_signal() {
            world.eras.set_left();
        }
    });
    // A proof alone: it has nothing to let go.
    let guard = Guard { record: None, outsider: MaybeUninit::uninit(), _this_thread: PhantomData };
    let guard = ManuallyDrop::new(guard);
    let result = f(&guard);
    drop(leave);
    result
}

#[inline(always)]
fn pin_record(record: &OwnRecord) {
    if record.pin(&record.world().eras) {
        record.world().end_storm();
    }
}

#[inline(always)]
fn unpin(record: &OwnRecord) {
    if record.unpin(&record.world().eras) {
        let_go(record.clone());
    }
}

/// The rest of an unpin: in fenced mode, or if something may wait for this reader.
#[cold]
#[inline(never)]
pub(super) fn let_go(record: OwnRecord) {
    let world = record.world();
    let has_ended = record.end_orphan(&world.eras);
    if has_ended {
        world.leave(record.show_words());
    }
    let parked = record.let_go(&world.eras);
    let forks_before = forks();
    if !parked.is_empty() || world.eras.now().is_left() {
        take_turn(parked);
    }
    if has_ended {
        give_back(&record, forks_before);
    }
}

/// Returns the lease of a thread that has ended, when it has dropped what waited for it: until then
/// a forked child must not take itself to be alone. If one of the drops has forked, this may be
/// that child, which does not count the lease.
fn give_back(record: &OwnRecord, forks_before: usize) {
    record.give_back(forks() == forks_before);
}

/// The end of a guard without a record. Such a guard is gone before anything is dropped.
#[cold]
#[inline(never)]
fn leave_outside(guard: OutsiderGuard) {
    // It may have been made anew since the pin, where thread-locals are keys of the system.
    #[cfg(not(loom))]
    OUTSIDE.set(OUTSIDE.get().saturating_sub(1));
    if guard.let_go() {
        drop_parked_outside();
    }
}

/// Drops what waited for readers without a record, or for the others of them.
fn drop_parked_outside() {
    let world = world();
    world.leave(world.outsiders.parked.take());
    take_turn(RetiredList::EMPTY);
}

impl Drop for Thread {
    fn drop(&mut self) {
        let Some(record) = self.end() else { return };
        if record.is_pinned() {
            // A guard in another thread-local, or a leaked one.
            return record.orphan(&record.world().eras);
        }
        let parked = record.show_words();
        let forks_before = forks();
        if !parked.is_empty() {
            take_turn(parked);
        }
        give_back(record, forks_before);
    }
}
