//! Deletes that wait for the readers in the way: **remove_wait** until the value is dropped,
//! **take** until it can be moved out.
//!
//! A waiting thread has no reader of its own, so it waits for nobody who waits for it; and it drops
//! what waits for nobody meanwhile.

use super::body::Inner;
use crate::{
    epoch::{self, is_dropping, Ticket},
    error::WaitError,
    handle::RawHandle,
    slots::{Link, Phase, SlotLayout},
    sync::{Backoff, Deadline},
};

impl<T> Inner<T> {
    /// Deletes `handle`, if it is valid, and waits until its value has been dropped, until
    /// `deadline` at most. The handle is invalid whatever comes.
    pub(crate) fn remove_wait(
        &self,
        handle: RawHandle,
        deadline: Deadline,
    ) -> Result<(), WaitError> {
        let lookup = self.lookup();
        let invalid = || WaitError::Handle(lookup.explain(handle));
        let found = lookup.find(handle).ok_or_else(invalid)?;
        if self.delete_now(handle).ok_or_else(invalid)? {
            return Ok(());
        }
        if !may_wait() {
            return Err(WaitError::WouldDeadlock);
        }
        if SlotLayout::<T>::TRIVIAL {
            let ticket = Ticket::take();
            return wait_until(deadline, || ticket.try_advance());
        }
        let (slot, generation) = (found.slot(), found.live().state().generation());
        wait_until(deadline, || {
            epoch::drop_waiting();
            let state = slot.state().load();
            (state.phase(), state.generation()) != (Phase::Limbo, generation)
                || epoch::is_lone_child()
        })
    }

    /// Deletes `handle`, waits until no reader is in the way, and gives the value. Leaves the
    /// handle valid if it would wait for the calling thread.
    pub(crate) fn take_wait(&self, handle: RawHandle) -> Result<T, WaitError> {
        let lookup = self.lookup();
        let invalid = || WaitError::Handle(lookup.explain(handle));
        let found = lookup.find(handle).ok_or_else(invalid)?;
        if !may_wait() {
            let would_deadlock = found.is_valid().then_some(WaitError::WouldDeadlock);
            return Err(would_deadlock.unwrap_or_else(invalid));
        }
        let (slot, live) = (found.slot(), found.live());
        // Linked to itself: the value is this thread's.
        if !slot.state().unlink(live, Link::to(live.index())) {
            return Err(invalid());
        }
        self.count_taken();
        if !epoch::is_unread() {
            let ticket = Ticket::take();
            wait_until(Deadline::Never, || ticket.try_advance())?;
        }
        // SAFETY: unlinked above by this thread, and every reader from before has let go.
        let value = unsafe { slot.take_value() };
        self.free_slot(slot.state(), live.index(), live.state().generation() + 1);
        Ok(value)
    }
}

/// Whether the calling thread is in nobody's way, itself included. A thread whose registration is
/// gone can't tell, unless there is no reader at all.
fn may_wait() -> bool {
    if is_dropping() {
        return false;
    }
    match epoch::is_pinned() {
        Some(is_pinned) => !is_pinned,
        None => epoch::is_unread(),
    }
}

/// Calls `is_over` until it returns `true`, and sleeps more and more in between.
fn wait_until(deadline: Deadline, mut is_over: impl FnMut() -> bool) -> Result<(), WaitError> {
    let mut backoff = Backoff::new();
    while !is_over() {
        if deadline.is_over() {
            return Err(WaitError::TimedOut);
        }
        backoff.wait();
    }
    Ok(())
}
