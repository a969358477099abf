//! What the thread with a shard's lease does there. On the fast paths it needs no read-modify-write
//! but the one that decides a delete.

use std::marker::PhantomData;

use super::{
    claim::Claim,
    counts::{count_own, Counter},
    local::Local,
    shared::Shard,
};
use crate::{
    config::{batch_limit, FRESH_BLOCK},
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

    /// Claims a slot of an adopted batch, else one that is reserved fresh, else one that was
    /// returned, else one of a newly reserved block.
    pub(crate) fn claim_more(&self) -> Option<Claim<'s, T>> {
        // SAFETY: nothing in `free_next_batch` runs user code or the allocator.
        while let Some(batch) = unsafe { self.local(Local::free_next_batch) } {
            // Dropped outside of `local`: it gives memory back to the user's allocator.
            drop(batch);
            if let Some(claim) = self.claim_free() {
                return Some(claim);
            }
        }
        self.claim_returned_or_fresh()
    }

    fn claim_returned_or_fresh(&self) -> Option<Claim<'s, T>> {
        let claim = |local: &mut Local| {
            if let Some(number) = local.next_fresh() {
                return Some(Err(number));
            }
            if let Some(first) = self.shard.take_vacant() {
                return Some(Ok(self.claim_first(local, first)?));
            }
            local.fresh = self.shard.reserve_fresh(self.slots, FRESH_BLOCK)?;
            local.next_fresh().map(Err)
        };
        // SAFETY: nothing in `claim` runs user code or the allocator.
        match unsafe { self.local(claim) }? {
            Ok(claim) => Some(claim),
            Err(number) => {
                // Outside of `local`, since it may call the user's allocator.
                // SAFETY: the number was reserved for this owner, which has just taken it; the
                // counter is the owner's.
                Some(unsafe { self.shard.claim_fresh(self.slots, number, self.issued()) })
            }
        }
    }

    /// Claims the first slot of a list of this shard that has a generation left, and makes the rest
    /// of the list the free list.
    #[inline]
    fn claim_first(&self, local: &mut Local, mut first: Index) -> Option<Claim<'s, T>> {
        loop {
            debug_assert_eq!(self.slots.layout().shard(first), self.shard.number());
            // SAFETY: the slot was used before, and reached this thread through its list.
            let slot = unsafe { self.slots.directory().known(first) };
            let state = slot.state().load_own();
            local.free = state.link();
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

    /// Deletes the handle of `live`, which may be of any shard. `None` if the handle is invalid;
    /// else whether the batch is full, so that the caller must [take](Self::take_limbo) it.
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

    /// Takes the deleted slots that are not in a batch yet.
    pub(crate) fn take_limbo(&self) -> Option<SlotList> {
        // edge: none. The owner's own count.
        let deleted = self.shard.owned.counts.deleted.load(Ordering::Relaxed);
        // SAFETY: nothing in `take_limbo` runs user code or the allocator.
        unsafe { self.local(|local| local.take_limbo(deleted, batch_limit::<T>())) }
    }

    /// Adds a whole batch of slots of this shard, whose grace period is over, to the free slots.
    /// They are vacant, or in limbo with trivial values.
    pub(crate) fn adopt_batch(&self, batch: Box<Batch>) {
        // Dropped outside of `local`: it gives memory back to the user's allocator.
        // SAFETY: nothing in `adopt` runs user code or the allocator.
        drop(unsafe { self.local(|local| local.adopt(batch)) });
    }
}
