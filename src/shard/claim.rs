//! [`Claim`]: a slot that was taken and is not yet published.

use super::counts::Counter;
use crate::{
    epoch::generation_floor,
    slots::{AtomicState, Index, LiveState, Slot, State},
};

/// A vacant slot that one thread has taken, to publish a value in it or to give it back.
pub(crate) struct Claim<'s, T> {
    slot: Slot<'s, T>,
    index: Index,
    generation: usize,
    /// Counts the handle when it is issued.
    issued: Counter<'s>,
}

impl<'s, T> Claim<'s, T> {
    /// # Safety
    ///
    /// The caller has taken the slot off a list, or has reserved it as a fresh slot. `state` is the
    /// vacant state to publish from; a trivial value's slot may still be in limbo of the generation
    /// before. If `issued` is a `Counter::Own`, the caller is the only thread that writes it, and
    /// publishes this claim itself.
    #[inline]
    pub(super) unsafe fn new(
        slot: Slot<'s, T>,
        index: Index,
        state: State,
        issued: Counter<'s>,
    ) -> Self {
        let generation = state.generation().max(generation_floor());
        Self { slot, index, generation, issued }
    }

    /// The state to publish. With the table's key it makes the handle.
    #[inline]
    pub(crate) fn live(&self) -> LiveState {
        LiveState::new(self.generation, self.index)
    }

    /// Writes the value, makes the handle valid, and counts it.
    #[inline]
    pub(crate) fn publish(self, value: T) -> LiveState {
        let live = self.live();
        // SAFETY: the slot is claimed, by the promise of `new`, and the claim was not given up: a
        // claim that was is not published, see `give_up`.
        unsafe { self.slot.write(value) };
        self.slot.state().publish(live);
        self.issued.add_one();
        live
    }

    /// The slot, its index, and the generation to be issued next, for a claim that is given up and
    /// must not be published any more. The claimed generation is used up, since its handle may have
    /// been seen.
    pub(crate) fn give_up(&self) -> (&'s AtomicState, Index, usize) {
        (self.slot.state(), self.index, self.generation + 1)
    }
}
