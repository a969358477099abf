//! [`Shard`], and what any thread may do with it.

use crossbeam_utils::CachePadded;

use super::{
    claim::Claim,
    counts::{count_shared, Counter, Counts},
    lists::{Chain, LimboStack, VacantStack},
    local::OwnerHalf,
};
use crate::{
    config::batch_limit,
    reclaim::{Droppers, SealedBatches, SlotList},
    slots::{AtomicState, Index, IndexRange, Link, LiveState, Slot, SlotArray, State},
    sync::{AtomicUsize, Ordering},
};

/// One shard of a table of `T`. Every `SlotArray` that its methods take is that of the shard's
/// table.
#[derive(Debug)]
pub(crate) struct Shard<T> {
    /// What the owner alone writes.
    pub(super) owned: CachePadded<OwnerHalf<T>>,
    /// What all threads use.
    shared: CachePadded<SharedHalf>,
}

#[derive(Debug)]
struct SharedHalf {
    /// The shard's number in its table.
    number: usize,
    /// Vacant slots of this shard that its owner does not have.
    vacant: VacantStack,
    /// Slots, of any shard, that were deleted by threads that own no shard and are in no batch yet.
    limbo: LimboStack,
    /// The slots with numbers below this have been reserved for use.
    reserved: AtomicUsize,
    /// Batches that were sealed here.
    sealed: SealedBatches,
    /// How many threads drop values of these batches.
    droppers: Droppers,
    /// Handles issued and deleted through this half.
    counts: Counts,
}

impl<T> Shard<T> {
    /// The shard with this number in its table, and these indices.
    pub(crate) fn new(number: usize, indices: IndexRange) -> Self {
        Self {
            owned: CachePadded::new(OwnerHalf::new(indices)),
            shared: CachePadded::new(SharedHalf {
                number,
                vacant: VacantStack::new(),
                limbo: LimboStack::new(),
                reserved: AtomicUsize::new(0),
                sealed: SealedBatches::new(),
                droppers: Droppers::new(),
                counts: Counts::new(),
            }),
        }
    }

    /// Its number in its table.
    #[inline]
    pub(crate) fn number(&self) -> usize {
        self.shared.number
    }

    /// Claims a slot for any thread, its owner or not.
    pub(crate) fn claim<'s>(&'s self, slots: &'s SlotArray<T>) -> Option<Claim<'s, T>> {
        let issued = Counter::Shared(&self.shared.counts.issued);
        match self.shared.vacant.pop(slots) {
            // SAFETY: popped, in that state; the counter is shared.
            Some((index, slot, state)) => Some(unsafe { Claim::new(slot, index, state, issued) }),
            None => {
                let (number, _) = self.reserve_fresh(slots, 1)?;
                // SAFETY: reserved a moment ago; the counter is shared.
                Some(unsafe { self.claim_fresh(slots, number, issued) })
            }
        }
    }

    /// Takes all vacant slots that were returned, as a list.
    pub(super) fn take_vacant(&self) -> Option<Index> {
        self.shared.vacant.take()
    }

    /// Claims a slot that was never used.
    ///
    /// # Safety
    ///
    /// The caller has reserved this number, and claims it once. If `issued` is a `Counter::Own`,
    /// the caller is the only thread that writes it.
    pub(super) unsafe fn claim_fresh<'s>(
        &self,
        slots: &'s SlotArray<T>,
        number: usize,
        issued: Counter<'s>,
    ) -> Claim<'s, T> {
        let index = slots.layout().index(number, self.shared.number);
        // SAFETY: reserved, as the caller says, and never used.
        unsafe { Claim::new(slots.get_or_grow(index), index, State::default(), issued) }
    }

    /// Reserves up to `count` slots that were never used. Returns the first number, and the number
    /// after the last.
    pub(super) fn reserve_fresh(
        &self,
        slots: &SlotArray<T>,
        count: usize,
    ) -> Option<(usize, usize)> {
        let reserved = &self.shared.reserved;
        let most = slots.layout().slots_per_shard();
        // edge: none. Only the numbers pass; the slots behind them are reached by edge "grow".
        let mut from = reserved.load(Ordering::Relaxed);
        loop {
            let to = (from + count).min(most);
            if from == to {
                return None;
            }
            // edge: none. Only the numbers pass.
            match reserved.compare_exchange_weak(from, to, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Some((from, to)),
                Err(now) => from = now,
            }
        }
    }

    /// Deletes the handle of `live`, which may be of any shard, for a thread that owns no shard.
    /// `None` if the handle is invalid; else whether there is a full batch now.
    pub(crate) fn delete(&self, state: &AtomicState, live: LiveState) -> Option<bool> {
        if !state.unlink(live, Link::END) {
            return None;
        }
        count_shared(&self.shared.counts.deleted);
        let waiting = self.shared.limbo.push(state, live.index());
        Some(waiting >= batch_limit::<T>())
    }

    /// Takes the deleted slots of threads that own no shard.
    pub(crate) fn take_limbo(&self) -> Option<SlotList> {
        let taken = self.shared.limbo.take();
        Some(SlotList { first: taken.link().next()?, len: taken.len(), reusable_in_place: false })
    }

    /// Frees slots of this shard.
    pub(crate) fn free_chain(&self, chain: &Chain<'_>) {
        self.shared.vacant.push(chain);
    }

    #[inline]
    pub(crate) fn sealed(&self) -> &SealedBatches {
        &self.shared.sealed
    }

    pub(crate) fn droppers(&self) -> &Droppers {
        &self.shared.droppers
    }

    /// Every slot that may have been used, from number `first` on, with its number.
    pub(crate) fn used_slots<'s>(
        &self,
        slots: &'s SlotArray<T>,
        first: usize,
    ) -> impl Iterator<Item = (usize, Slot<'s, T>)> + use<'s, T> {
        // edge: none. Includes every slot whose reservation happens before this call.
        let reserved = self.shared.reserved.load(Ordering::Relaxed);
        slots.iter(self.shared.number, first..reserved)
    }

    /// Handles issued through this shard so far.
    pub(crate) fn issued(&self) -> usize {
        // edge: none. A count from which no other access is inferred.
        let owned = self.owned.counts.issued.load(Ordering::Relaxed);
        owned.wrapping_add(self.shared.counts.issued.load(Ordering::Relaxed))
    }

    /// Handles deleted through this shard so far.
    pub(crate) fn deleted(&self) -> usize {
        // edge: none. A count from which no other access is inferred.
        let owned = self.owned.counts.deleted.load(Ordering::Relaxed);
        owned.wrapping_add(self.shared.counts.deleted.load(Ordering::Relaxed))
    }
}
