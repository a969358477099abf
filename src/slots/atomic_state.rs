//! A slot's state word, and the atomic steps of its life. Each step is the moment at which a verb
//! takes effect: its linearization point.
//!
//! ```text
//!             publish               unlink                vacate
//! vacant(g) ----------> live(g) ----------> limbo(g) ----------> vacant(g + 1), or exhausted
//!     |        publish     ^
//!     +--reserve--> vacant(g), linked to itself --vacate--> vacant(g + 1), or exhausted
//!
//! vacant: one thread claims the slot and writes the value.   live: readers may come.
//! limbo: readers from before may still read. After a grace period the value is dropped.
//! ```
//!
//! A reader is pinned before it loads the state. If it finds its handle there, the slot is live. A
//! later delete moves the slot to limbo, where it stays until the reader unpins. So the slot holds
//! the value of that handle and no other, and one load of the state is enough. See "publish" and
//! "grace" in docs/ORDERING.md.
//!
//! A slot in limbo has a link: to the next slot of a list, or to itself. The second says that a
//! thread has *claimed* the value and is about to drop it. Where there is no value to drop, the
//! step from limbo to vacant(g + 1) may be taken together with the next `publish`; see
//! `SlotLayout::TRIVIAL`.

use super::{
    index::{Index, Link},
    state::{LiveState, State},
};
use crate::sync::{AtomicUsize, Ordering};

/// The state word of a slot. All zeroes is a vacant slot of generation 0.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct AtomicState {
    state: AtomicUsize,
}

impl AtomicState {
    /// A vacant slot of generation 0. Outside loom, zeroed memory serves as well.
    #[cfg(loom)]
    pub(super) fn new() -> Self {
        Self { state: AtomicUsize::new(0) }
    }

    /// The state as it is now.
    #[inline]
    pub(crate) fn load(&self) -> State {
        // edge: publish, delete. Acquire: a thread that sees a live slot sees its value made, and
        // one that sees a deleted slot sees what its deleter did before.
        State::from_bits(self.state.load(Ordering::Acquire))
    }

    /// The state, for the one thread that owns the slot: it wrote the state, or has since acquired
    /// it through the edge that handed the slot over. (`VacantStack::pop` also calls it for slots
    /// that it may have lost; it checks that later.)
    #[inline]
    pub(crate) fn load_own(&self) -> State {
        // edge: none. No other thread writes the state of a slot that this thread owns; of one that
        // it may have lost, the state is not used.
        State::from_bits(self.state.load(Ordering::Relaxed))
    }

    /// Marks a vacant slot as reserved: its handle may be shown, and has no value yet. The caller
    /// has claimed the slot, to publish it in that state or to vacate it.
    pub(crate) fn reserve(&self, live: LiveState) {
        // edge: delete. Release: a thread that reads this state and reports `Deleted` for an
        // earlier handle happens after the deleter.
        self.state.store(live.reserved().bits(), Ordering::Release);
    }

    /// **New**: the handle is valid from here on. The caller has claimed the slot and written a
    /// value to it.
    #[inline]
    pub(crate) fn publish(&self, live: LiveState) {
        // edge: publish, delete. Release: the value before the state that lets readers in, and what
        // the deleters of earlier handles did.
        self.state.store(live.bits(), Ordering::Release);
    }

    /// **Delete**: one caller wins, and the handle is invalid from here on. The winner owns the
    /// slot, and must let a grace period pass before the slot is reused. The losers get `false`.
    #[inline]
    pub(crate) fn unlink(&self, live: LiveState, link: Link) -> bool {
        let limbo = live.limbo(link);
        // edge: publish, delete. Release: a thread that finds the slot in limbo comes after what
        // the deleter did before. Acquire: the deleter comes after the publisher. Relaxed on
        // failure: a loser that reports `Deleted` loads the state again, by an Acquire.
        self.state
            .compare_exchange(live.bits(), limbo.bits(), Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
    }

    /// Sets the link of a slot that is not live, for the one thread that owns the slot. `state` is
    /// its state.
    #[inline]
    pub(crate) fn relink(&self, state: State, link: Link) {
        // edge: delete. Release: a thread that reads this state and reports `Deleted` happens after
        // the deleter.
        self.state.store(state.with_link(link).bits(), Ordering::Release);
    }

    /// Links a slot in limbo to itself: its value is the caller's from here on. `false` if another
    /// thread was faster.
    pub(crate) fn try_claim(&self, limbo: State, index: Index) -> bool {
        let claimed = limbo.with_link(Link::to(index));
        // edge: delete. Relaxed: a read-modify-write stays in the release sequence of the unlink.
        // Both threads that may come here are ordered after the deleter by other edges.
        self.state
            .compare_exchange(limbo.bits(), claimed.bits(), Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
    }

    /// Makes the slot vacant with `generation`, linked to `link`; marks it as exhausted if there is
    /// no such generation, and returns `false`.
    ///
    /// The caller owns the slot, and hands it on through a list with an edge of its own.
    #[inline]
    pub(crate) fn vacate(&self, generation: usize, link: Link) -> bool {
        let vacant = State::vacant(generation, link);
        let issuable = vacant.is_issuable();
        let state = if issuable { vacant } else { State::EXHAUSTED };
        // edge: delete. Release: a thread that reads this state and reports `Deleted` happens after
        // the deleter. A thread that reuses the slot is ordered by the list instead.
        self.state.store(state.bits(), Ordering::Release);
        issuable
    }
}
