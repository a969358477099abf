//! What the thread with a shard's lease does there. On the fast paths it needs no read-modify-write
//! but the one that decides a delete.

use std::marker::PhantomData;

use super::{
    claim::Claim,
    counts::{count_own, Counter},
    lists::Chain,
    local::Local,
    shared::Shard,
    vacant::split,
};
use crate::{
    config::batch_limit,
    epoch::Ticket,
    reclaim::{Batch, SlotList},
    slots::{AtomicState, Index, Link, LiveState, SlotArray, SlotLayout},
    sync::Ordering,
};

/// A shard, and the proof that the calling thread holds its lease. Not `Send`.
///
/// No user code may run while an `Owner` has lent out the local state; see [`local`](Self::local).
pub(crate) struct Owner<'s, T> {
    shard: &'s Shard<T>,
    slots: &'s SlotArray<T>,
    _this_thread: PhantomData<*const ()>,
}

impl<'s, T> Owner<'s, T> {
    /// # Safety
    ///
    /// The calling thread holds the lease of `shard`, and keeps it while this exists. The slots are
    /// those of the shard's table.
    #[inline]
    pub(crate) unsafe fn new(shard: &'s Shard<T>, slots: &'s SlotArray<T>) -> Self {
        Self { shard, slots, _this_thread: PhantomData }
    }

    #[inline]
    pub(crate) fn shard(&self) -> &'s Shard<T> {
        self.shard
    }

    /// Lends out the local state.
    ///
    /// # Safety
    ///
    /// `f` runs no code of the user's, not even the allocator: that could re-enter here while the
    /// local state is lent out.
    #[inline]
    unsafe fn local<R>(&self, f: impl FnOnce(&mut Local) -> R) -> R {
        let local = &self.shard.owned.local;
        // SAFETY: no other thread has this shard's lease, and the caller promises that this thread
        // is not already inside `local`.
        local.with_mut(|local| f(unsafe { &mut *local }))
    }

    /// Claims a slot from the owner's own list, if there is one.
    #[inline]
    pub(crate) fn claim_free(&self) -> Option<Claim<'s, T>> {
        // SAFETY: nothing in here runs user code or the allocator.
        unsafe {
            self.local(|local| {
                let first = local.first_free()?;
                self.claim_first(local, first)
            })
        }
    }

    /// Claims a slot of an adopted batch, else one that was reserved fresh, else one that was
    /// returned to this shard.
    pub(crate) fn claim_more(&self) -> Option<Claim<'s, T>> {
        loop {
            // SAFETY: nothing in `next_batch` runs user code or the allocator.
            if let Some(mut batch) = unsafe { self.local(Local::next_batch) } {
                let (slots, rest) = split(self.slots, batch.slots());
                self.refill(slots);
                if let Some(rest) = rest {
                    batch.set_slots(rest);
                    self.adopt(batch);
                }
            } else if let Some(claim) = self.claim_reserved() {
                return Some(claim);
            } else {
                let (slots, _used_up) = self.shard.vacant().take(self.slots)?;
                self.refill(slots);
            }
            if let Some(claim) = self.claim_free() {
                return Some(claim);
            }
        }
    }

    /// Claims a slot from a list that another shard has given away.
    pub(crate) fn claim_of(&self, slots: SlotList) -> Option<Claim<'s, T>> {
        self.refill(slots);
        self.claim_free()
    }

    /// Claims a slot of a newly reserved block.
    pub(crate) fn claim_fresh(&self) -> Option<Claim<'s, T>> {
        loop {
            // The allocator may have used the table meanwhile, and reserved a block.
            if let Some(claim) = self.claim_reserved() {
                return Some(claim);
            }
            match self.shard.reserve_block(self.slots) {
                // SAFETY: nothing in here runs user code or the allocator.
                Some(fresh) => unsafe { self.local(|local| local.fresh = fresh) },
                None => self.shard.make_fresh(self.slots)?,
            }
        }
    }

    fn claim_reserved(&self) -> Option<Claim<'s, T>> {
        // SAFETY: nothing in `next_fresh` runs user code or the allocator.
        let number = unsafe { self.local(Local::next_fresh) }?;
        // SAFETY: the number was reserved for this owner, which has just taken it; the counter is
        // the owner's.
        Some(unsafe { self.shard.claim_fresh(self.slots, number, self.issued()) })
    }

    /// Makes a list the free list, or adopts it, if user code has freed slots meanwhile.
    fn refill(&self, slots: SlotList) {
        let refill = |local: &mut Local| {
            let is_empty = local.first_free().is_none();
            if is_empty {
                local.set_free(slots);
            }
            is_empty
        };
        // SAFETY: nothing in `refill` runs user code or the allocator.
        if !unsafe { self.local(refill) } {
            self.adopt(Batch::new(slots, Ticket::past()));
        }
    }

    /// Claims the first slot of a list that has a generation left, and makes the rest of the list
    /// the free list.
    #[inline]
    fn claim_first(&self, local: &mut Local, mut first: Index) -> Option<Claim<'s, T>> {
        loop {
            // SAFETY: the slot was used before, and reached this thread through its list.
            let slot = unsafe { self.slots.directory().known(first) };
            let state = slot.state().load_own();
            if SlotLayout::<T>::TRIVIAL {
                local.free = state.link();
            } else {
                local.pop_free(state.link());
            }
            // A trivial value's slot may still be in limbo, see `SlotLayout::TRIVIAL`.
            let vacant = if SlotLayout::<T>::TRIVIAL { state.vacated() } else { state };
            if vacant.is_issuable() {
                // SAFETY: taken off the owner's list, to be issued with that state; the counter is
                // the owner's.
                return Some(unsafe { Claim::new(slot, first, vacant, self.issued()) });
            }
            slot.state().vacate(vacant.generation(), Link::END);
            first = local.first_free()?;
        }
    }

    #[inline]
    fn issued(&self) -> Counter<'s> {
        Counter::Own(&self.shard.owned.counts.issued)
    }

    /// Deletes the handle of `live`, which may be of any shard, and collects its slot. `None` if
    /// the handle is invalid; else whether the batch is full, so that the caller must
    /// [take](Self::take_limbo) it.
    #[inline]
    pub(crate) fn delete(&self, state: &AtomicState, live: LiveState) -> Option<bool> {
        let delete = |local: &mut Local| {
            state.unlink(live, local.limbo()).then(|| {
                let deleted = count_own(&self.shard.owned.counts.deleted);
                local.add_to_limbo(live, deleted)
            })
        };
        // SAFETY: nothing in `delete` runs user code or the allocator.
        unsafe { self.local(delete) }
    }

    /// Counts a handle that the owner has issued.
    #[inline]
    pub(crate) fn count_issued(&self) {
        count_own(&self.shard.owned.counts.issued);
    }

    /// Counts a handle that the owner has deleted.
    #[inline]
    pub(crate) fn count_deleted(&self) {
        count_own(&self.shard.owned.counts.deleted);
    }

    /// Frees a slot that the caller owns, to be issued with `generation` next, or marks it as
    /// exhausted.
    #[inline]
    pub(crate) fn free(&self, state: &AtomicState, index: Index, generation: usize) {
        let free =
            |local: &mut Local| state.vacate(generation, local.free) && local.add_free(index);
        // SAFETY: nothing in `free` runs user code or the allocator.
        if unsafe { self.local(free) } {
            self.free_batch();
        }
    }

    /// Frees a slot of the shard `home`, which is another one, to be issued with `generation` next,
    /// or marks it as exhausted. Returns slots that are to be returned now, and the number of their
    /// shard.
    pub(crate) fn free_away(
        &self,
        home: usize,
        state: &AtomicState,
        index: Index,
        generation: usize,
    ) -> Option<(usize, Chain<'s>)> {
        let add = |local: &mut Local| local.away.add(self.slots, home, (state, index, generation));
        // SAFETY: nothing in `add` runs user code or the allocator.
        unsafe { self.local(add) }
    }

    /// Takes the slots of another shard that are not returned yet, with the number of that shard.
    pub(crate) fn take_away(&self) -> Option<(usize, Chain<'s>)> {
        // SAFETY: nothing in `take` runs user code or the allocator.
        unsafe { self.local(|local| local.away.take(self.slots)) }
    }

    /// Makes a batch of the free list, so that what is too much for one thread goes to others.
    #[cold]
    fn free_batch(&self) {
        // SAFETY: nothing in `first_free` runs user code or the allocator.
        let Some(first) = (unsafe { self.local(|local| local.first_free()) }) else { return };
        // Before the slots are taken, since the allocator may insert.
        let mut batch = Batch::new(SlotList::free(first, 1), Ticket::past());
        // SAFETY: nothing in `take_free` runs user code or the allocator.
        if let Some(slots) = unsafe { self.local(Local::take_free) } {
            batch.set_slots(slots);
            self.adopt(batch);
        }
    }

    /// Takes the deleted slots that are not in a batch yet.
    pub(crate) fn take_limbo(&self) -> Option<SlotList> {
        // edge: none. The owner's own count.
        let deleted = self.shard.owned.counts.deleted.load(Ordering::Relaxed);
        // SAFETY: nothing in `take_limbo` runs user code or the allocator.
        unsafe { self.local(|local| local.take_limbo(deleted, batch_limit::<T>())) }
    }

    /// Adds a whole batch of slots, whose grace period is over, to the free slots. They are vacant,
    /// or in limbo with trivial values. If the owner has enough of them, leaves the batch to
    /// others.
    pub(crate) fn adopt(&self, batch: Box<Batch>) {
        // SAFETY: nothing in `adopt` runs user code or the allocator.
        if let Some(batch) = unsafe { self.local(|local| local.adopt(batch)) } {
            self.shard.vacant().leave(batch);
        }
    }
}
