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

    /// Marks the slot as reserved, so that its handle can be shown before there is a value.
    pub(crate) fn reserve(self) -> ReservedSlot<'s, T> {
        self.slot.state().reserve(self.live());
        ReservedSlot { slot: self.slot, index: self.index, generation: self.generation }
    }
}

/// A slot whose handle may have been shown, but has no value yet. Any thread may publish it.
pub(crate) struct ReservedSlot<'s, T> {
    slot: Slot<'s, T>,
    index: Index,
    generation: usize,
}

// SAFETY: whoever has this has the slot, and a `T` is moved into it by `publish` alone.
unsafe impl<T: Send + Sync> Send for ReservedSlot<'_, T> {}
// SAFETY: a shared reference gives no access to the slot.
unsafe impl<T: Send + Sync> Sync for ReservedSlot<'_, T> {}

impl<'s, T> ReservedSlot<'s, T> {
    /// The state to publish.
    pub(crate) fn live(&self) -> LiveState {
        LiveState::new(self.generation, self.index)
    }

    /// Writes the value and makes the handle valid. The caller counts it.
    pub(crate) fn publish(self, value: T) {
        // SAFETY: the slot was claimed, and `self` is the only way to it.
        unsafe { self.slot.write(value) };
        self.slot.state().publish(self.live());
    }

    /// The slot, its index, and the generation to be issued next. The reserved generation is used
    /// up, since its handle may have been seen.
    pub(crate) fn give_up(self) -> (&'s AtomicState, Index, usize) {
        (self.slot.state(), self.index, self.generation + 1)
    }
}
