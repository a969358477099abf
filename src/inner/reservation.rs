//! [`Reservation`]: a handle that is known before its value is there.

use std::mem::ManuallyDrop;

use super::body::Inner;
use crate::{handle::RawHandle, shard::ReservedSlot};

/// A reserved slot. If it is dropped, its handle is never issued.
pub(crate) struct Reservation<'t, T> {
    inner: &'t Inner<T>,
    slot: ManuallyDrop<ReservedSlot<'t, T>>,
}

impl<'t, T> Reservation<'t, T> {
    pub(super) fn new(inner: &'t Inner<T>, slot: ReservedSlot<'t, T>) -> Self {
        Self { inner, slot: ManuallyDrop::new(slot) }
    }

    /// The handle, which has no value yet.
    pub(crate) fn handle(&self) -> RawHandle {
        self.inner.handle(self.slot.live())
    }

    /// Writes the value, and makes the handle valid.
    pub(crate) fn fill(self, value: T) -> RawHandle {
        let mut this = ManuallyDrop::new(self);
        let handle = this.handle();
        // SAFETY: `this` is not dropped, nor used below.
        let slot = unsafe { ManuallyDrop::take(&mut this.slot) };
        slot.publish(value);
        this.inner.count_issued();
        handle
    }
}

impl<T> Drop for Reservation<'_, T> {
    /// Gives the slot back. Its generation is not issued, since the handle may have been seen.
    fn drop(&mut self) {
        // SAFETY: not used after this.
        let slot = unsafe { ManuallyDrop::take(&mut self.slot) };
        let (state, index, generation) = slot.give_up();
        self.inner.free_slot(state, index, generation);
        self.inner.return_quota();
    }
}
