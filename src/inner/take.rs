//! **Take**: unlink the state, move the value out, free the slot.
//!
//! In a table whose values are taken and never looked at there are no readers, so nothing is in the
//! way: no pin, no look at the readers, no batch. The slot is free when the call returns.
//!
//! A slot of the thread's own shard goes onto its free list. Slots of another shard are returned
//! many at a time, see `shard/away.rs`.
//!
//! The exchange could take the state from live to vacant at once, where the slot is of the thread's
//! own shard. That was tried, and an insert with a take took half as long again: the next insert
//! loads the state, and a load from what an exchange has just written waits for the exchange. After
//! a store it does not.

use std::{any::type_name, mem::ManuallyDrop};

use super::{
    body::{Inner, Limits, ValueKind},
    iterate::Position,
};
use crate::{
    handle::RawHandle,
    shard::Owner,
    slots::{Link, LiveState, Slot},
    sync::Arc,
};

/// A value that is taken and never looked at.
///
/// Its `Drop` makes every such value one with something to drop, so none is trivial: its slot is
/// freed by itself and not in a batch (see [`SlotLayout::TRIVIAL`](crate::slots::SlotLayout)).
#[repr(transparent)]
pub(crate) struct OnceValue<T>(ManuallyDrop<T>);

// SAFETY: a shared reference gives no access to the value: the field is private to this file, and
// nothing here reads it through one. The value is reached only by the thread that has unlinked its
// slot, or that drops the table; to get there, it must be `Send`.
unsafe impl<T: Send> Sync for OnceValue<T> {}

impl<T> OnceValue<T> {
    #[inline(always)]
    pub(crate) fn new(value: T) -> Self {
        Self(ManuallyDrop::new(value))
    }

    #[inline(always)]
    pub(crate) fn into_inner(self) -> T {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: `this` is not dropped, nor used after this.
        unsafe { ManuallyDrop::take(&mut this.0) }
    }
}

impl<T> Drop for OnceValue<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: not used after this.
        unsafe { ManuallyDrop::drop(&mut self.0) };
    }
}

/// A slot that the calling thread has unlinked, linked to itself, with its value.
#[must_use = "it is to be freed"]
pub(crate) struct UnlinkedOnce<'t, T> {
    inner: &'t Inner<OnceValue<T>>,
    /// The thread's shard, if it may take the fast path.
    owner: Option<Owner<'t, OnceValue<T>>>,
    slot: Slot<'t, OnceValue<T>>,
    live: LiveState,
}

impl<T> UnlinkedOnce<'_, T> {
    /// The handle that is invalid now.
    pub(crate) fn handle(&self) -> RawHandle {
        self.inner.handle(self.live)
    }

    /// Moves the value out, and frees the slot.
    #[inline(always)]
    pub(crate) fn take(self) -> T {
        // SAFETY: this thread has unlinked the slot, and nobody looks at such a value.
        let value = unsafe { self.slot.take_value() };
        // After that: another value may be written there from here on.
        self.free();
        value.into_inner()
    }

    /// Drops the value where it lies, and frees the slot. A panic goes no further.
    pub(crate) fn drop_value(self) {
        self.inner.drop_in_place(self.slot);
        self.free();
    }

    #[inline(always)]
    fn free(self) {
        let Self { inner, owner, slot, live } = self;
        let (state, index, generation) = (slot.state(), live.index(), live.state().generation());
        let home = inner.slots.layout().shard(index);
        match owner {
            Some(owner) if owner.shard().number() == home => {
                owner.free(state, index, generation + 1);
            }
            Some(owner) => {
                if let Some((home, slots)) = owner.free_away(home, state, index, generation + 1) {
                    inner.shards[home].vacant().push(&slots);
                }
            }
            None => inner.free_slot(state, index, generation + 1),
        }
    }
}

/// Tables whose values are taken and never looked at.
impl<T> Inner<OnceValue<T>> {
    pub(crate) fn new_once(limits: Limits) -> Arc<Self> {
        Self::of_kind(limits, ValueKind { type_name: type_name::<T>, have_readers: false })
    }

    /// Deletes `handle`, if it is valid, and leaves its value to the caller.
    #[inline(always)]
    pub(crate) fn unlink_once(&self, handle: RawHandle) -> Option<UnlinkedOnce<'_, T>> {
        let found = self.lookup().find(handle)?;
        self.unlink_slot(found.slot(), found.live())
    }

    /// Deletes the next live handle from `from` on, which moves on behind it, and leaves its value
    /// to the caller.
    pub(crate) fn unlink_next(&self, from: &mut Position) -> Option<UnlinkedOnce<'_, T>> {
        loop {
            let (slot, live) = self.next_live_slot(from)?;
            // Another thread may be faster.
            if let Some(unlinked) = self.unlink_slot(slot, live) {
                return Some(unlinked);
            }
        }
    }

    #[inline(always)]
    fn unlink_slot<'t>(
        &'t self,
        slot: Slot<'t, OnceValue<T>>,
        live: LiveState,
    ) -> Option<UnlinkedOnce<'t, T>> {
        let owner = self.owner_fast();
        if !slot.state().unlink(live, Link::to(live.index())) {
            return None;
        }
        match &owner {
            Some(owner) => owner.count_deleted(),
            None => self.count_deleted_slow(),
        }
        Some(UnlinkedOnce { inner: self, owner, slot, live })
    }
}
