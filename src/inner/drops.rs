//! Drops: the values of deleted slots, at once or once their readers are gone; and those that a
//! table has when it is dropped itself.
//!
//! A deleted slot in limbo is linked to itself if a thread has its value and is about to drop it.
//! Otherwise it is in a list of slots that is retired, or that is still to be. Two may come for the
//! value then: the thread that has the list, and the drop of the table. The one that links the slot
//! to itself has it.

use std::ptr::NonNull;

use super::body::Inner;
use crate::{
    epoch::{self, is_dropping, while_dropping, Retired},
    shard::Shard,
    slots::{AtomicState, Index, Link, LiveState, Phase, Slot, SlotLayout, State},
    sync::{Arc, Backoff},
};

/// Slots that the calling thread has unlinked, and whose values it has.
pub(super) struct UnlinkedSlots {
    first: Link,
}

impl UnlinkedSlots {
    pub(super) fn new() -> Self {
        Self { first: Link::END }
    }

    /// Adds a slot that was live in this state, and was linked to itself.
    pub(super) fn push(&mut self, state: &AtomicState, live: LiveState) {
        state.relink(live.limbo(Link::END), self.first);
        self.first = Link::to(live.index());
    }
}

/// Slots that wait for readers, and the body of their table, which lives as long.
// `repr(C)`: a pointer to the head is one to the whole.
#[repr(C)]
struct RetiredSlots<T> {
    head: Retired,
    inner: Arc<Inner<T>>,
    first: Index,
}

impl<T> RetiredSlots<T> {
    fn new(inner: Arc<Inner<T>>, first: Index) -> Box<Self> {
        let owner = Arc::as_ptr(&inner).cast();
        // SAFETY: `drop_one` drops the first value, and makes the others known before that. Values
        // may be dropped by any thread, by the bounds of the inserts.
        let head = unsafe { Retired::new(owner, Self::drop_one) };
        Box::new(Self { head, inner, first })
    }

    fn into_raw(self: Box<Self>) -> NonNull<Retired> {
        NonNull::from(Box::leak(self)).cast()
    }

    /// # Safety
    ///
    /// `head` came from `into_raw`, the calling thread has it, and no reader sees the values.
    unsafe fn drop_one(head: NonNull<Retired>) {
        // SAFETY: the caller's duty.
        let mut this = unsafe { Box::from_raw(head.cast::<Self>().as_ptr()) };
        let (inner, index) = (Arc::clone(&this.inner), this.first);
        // SAFETY: the slot was used before, and reached this thread through the list.
        let slot = unsafe { inner.slots.directory().known(index) };
        let state = slot.state().load();
        if state.link() == Link::to(index) || !slot.state().try_claim(state, index) {
            // The drop of the table has this value, and has or will have the others.
            return;
        }
        if let Some(next) = state.link().next() {
            this.first = next;
            // SAFETY: nobody sees the others either.
            unsafe { epoch::republish(this.into_raw()) };
        } else {
            drop(this);
        }
        inner.drop_slot(slot, index, state.generation());
    }
}

impl<T> Inner<T> {
    /// Drops the value of a slot that the caller has claimed, and frees the slot. Borrows nothing
    /// while user code runs.
    #[inline]
    pub(super) fn drop_slot(&self, slot: Slot<'_, T>, index: Index, generation: usize) {
        // SAFETY: no reader sees the value, and no other thread has it.
        self.catch_drop_panic(|| unsafe { slot.drop_value() });
        self.free_slot(slot.state(), index, generation + 1);
    }

    /// Drops the value of a slot that the caller has claimed, and is about to free.
    pub(super) fn drop_in_place(&self, slot: Slot<'_, T>) {
        // SAFETY: no reader sees the value, and no other thread has it.
        self.catch_drop_panic(|| unsafe { slot.drop_value() });
    }

    /// Has the values of slots dropped: one now, if no reader is in the way, and then the others,
    /// unless other threads are faster; else all by their last reader. Returns whether the first
    /// was dropped by this call.
    #[cold]
    pub(super) fn retire(&self, slots: UnlinkedSlots) -> bool {
        slots.first.next().is_some_and(|first| self.retire_list(first))
    }

    /// Like [`retire`](Self::retire), and goes on with the others.
    pub(super) fn retire_all(&self, slots: UnlinkedSlots) {
        let Some(first) = slots.first.next() else { return };
        if is_dropping() {
            // One by one: the outermost drop of this thread goes through what was retired.
            for (index, slot, state) in self.walk(first) {
                slot.state().relink(state, Link::END);
                self.retire_list(index);
            }
        } else {
            self.retire(slots);
            epoch::drop_left(usize::MAX, self.id());
        }
    }

    fn retire_list(&self, first: Index) -> bool {
        let retired = RetiredSlots::new(self.shared(), first);
        // SAFETY: made a moment ago.
        unsafe { epoch::retire(retired.into_raw()) }
    }

    /// The slots of a list that the caller has, with their states. Each one may be freed once it
    /// was returned.
    fn walk(&self, first: Index) -> impl Iterator<Item = (Index, Slot<'_, T>, State)> {
        let mut next = Some(first);
        std::iter::from_fn(move || {
            let index = next?;
            // SAFETY: the slot was used before, and reached this thread through the list.
            let slot = unsafe { self.slots.directory().known(index) };
            let state = slot.state().load_own();
            next = state.link().next();
            Some((index, slot, state))
        })
    }

    /// Drops or retires what waits in a shard of a table of batches. Returns how many values were
    /// dropped.
    pub(super) fn drop_batch(&self, shard: &Shard<T>) -> usize {
        let Some(list) = shard.take_limbo() else { return 0 };
        if is_dropping() || !epoch::is_unread() {
            return usize::from(self.retire_list(list.first));
        }
        while_dropping(|| {
            let drop_slot = |(index, slot, state): (_, _, State)| {
                self.drop_slot(slot, index, state.generation());
            };
            self.walk(list.first).map(drop_slot).count()
        })
    }

    /// Drops every value in the table, also the deleted ones that still wait. Waits for those that
    /// a reader of another table is in the middle of dropping, unless this call may come from
    /// there, or that reader is gone with a `fork`.
    ///
    /// # Safety
    ///
    /// The table is being dropped: it has no reader, and no call is under way.
    pub(super) unsafe fn drop_all(&self) {
        if SlotLayout::<T>::TRIVIAL {
            return;
        }
        let may_wait = !is_dropping();
        let mut others = Vec::new();
        while_dropping(|| {
            for (index, slot) in self.used_slots() {
                let state = slot.state().load();
                let is_ours = match state.phase() {
                    Phase::Live => true,
                    Phase::Limbo => {
                        state.link() != Link::to(index) && slot.state().try_claim(state, index)
                    }
                    _ => continue,
                };
                if is_ours {
                    // SAFETY: there is a value, and by the caller's promise nobody else has it.
                    self.catch_drop_panic(|| unsafe { slot.drop_value() });
                } else {
                    others.push(slot);
                }
            }
        });
        if may_wait {
            let mut backoff = Backoff::new();
            for slot in others {
                while slot.state().load().phase() == Phase::Limbo && !epoch::is_lone_child() {
                    backoff.wait();
                }
            }
            // What the drops have left.
            epoch::help();
        }
    }
}
