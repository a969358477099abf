//! [`Shard`], and what any thread may do with it.

use std::ops::Range;

use crossbeam_utils::CachePadded;

use super::{
    claim::Claim,
    counts::{count_shared, Counter, Counts},
    lists::LimboStack,
    local::OwnerHalf,
    vacant::VacantSlots,
};
use crate::{
    config::{FRESH_BLOCK, LARGE_BLOCK, LARGE_SHARD},
    reclaim::{SealedBatches, SlotList},
    slots::{AtomicState, IndexRange, LiveState, Slot, SlotArray, State},
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
    /// Vacant slots that its owner does not have.
    vacant: VacantSlots,
    /// Deleted slots, of any shard, that are in no batch yet.
    limbo: LimboStack,
    /// The slots with numbers below this have been reserved for use.
    reserved: AtomicUsize,
    /// Batches that were sealed here.
    sealed: SealedBatches,
    /// Handles issued and deleted through this half.
    counts: Counts,
}

impl<T> Shard<T> {
    /// The shard with this number in its table, and these indices.
    pub(crate) fn new(number: usize, indices: IndexRange) -> Self {
        Self {
            owned: CachePadded::new(OwnerHalf::new(number, indices)),
            shared: CachePadded::new(SharedHalf {
                vacant: VacantSlots::new(),
                limbo: LimboStack::new(),
                reserved: AtomicUsize::new(0),
                sealed: SealedBatches::new(),
                counts: Counts::new(),
            }),
        }
    }

    /// Its number in its table.
    #[inline]
    pub(crate) fn number(&self) -> usize {
        self.owned.number
    }

    /// Claims a slot for any thread, its owner or not.
    pub(crate) fn claim<'s>(&'s self, slots: &'s SlotArray<T>) -> Option<Claim<'s, T>> {
        self.claim_vacant(slots).or_else(|| {
            let (number, _) = self.reserve_fresh(slots, 1)?;
            // SAFETY: reserved a moment ago; the counter is shared.
            Some(unsafe { self.claim_fresh(slots, number, self.issued_shared()) })
        })
    }

    pub(super) fn claim_vacant<'s>(&'s self, slots: &'s SlotArray<T>) -> Option<Claim<'s, T>> {
        let (index, slot, state) = self.shared.vacant.pop(slots)?;
        // SAFETY: taken out, to be issued with that state; the counter is shared.
        Some(unsafe { Claim::new(slot, index, state, self.issued_shared()) })
    }

    fn issued_shared(&self) -> Counter<'_> {
        Counter::Shared(&self.shared.counts.issued)
    }

    /// Vacant slots that its owner does not have.
    pub(crate) fn vacant(&self) -> &VacantSlots {
        &self.shared.vacant
    }

    /// Claims a slot that was never used.
    ///
    /// # Safety
    ///
    /// The number was [reserved](Self::reserve_made) by this thread, or by an earlier owner of this
    /// shard for its owner. The caller claims it once. If `issued` is a `Counter::Own`, the caller
    /// is the only thread that writes it.
    pub(super) unsafe fn claim_fresh<'s>(
        &self,
        slots: &'s SlotArray<T>,
        number: usize,
        issued: Counter<'s>,
    ) -> Claim<'s, T> {
        let index = slots.layout().index(number, self.owned.number);
        // SAFETY: the reserving thread has seen the segment. To a later owner it comes by edge
        // "lease".
        let slot = unsafe { slots.directory().known(index) };
        // SAFETY: reserved, as the caller says, and never used.
        unsafe { Claim::new(slot, index, State::default(), issued) }
    }

    /// Whether so many slots are in use that others' vacant ones should be used before new ones.
    pub(crate) fn is_large(&self) -> bool {
        // edge: none. A hint.
        self.shared.reserved.load(Ordering::Relaxed) >= LARGE_SHARD
    }

    /// Reserves a block of slots for the owner, as [`reserve_made`](Self::reserve_made) does.
    pub(super) fn reserve_block(&self, slots: &SlotArray<T>) -> Option<(usize, usize)> {
        self.reserve_made(slots, if self.is_large() { LARGE_BLOCK } else { FRESH_BLOCK })
    }

    /// Reserves up to `count` slots that were never used, in a segment that is made now if need be.
    /// Returns the first number, and the number after the last; `None` if all slots are reserved,
    /// or if there is no memory.
    pub(super) fn reserve_fresh(
        &self,
        slots: &SlotArray<T>,
        count: usize,
    ) -> Option<(usize, usize)> {
        loop {
            if let Some(fresh) = self.reserve_made(slots, count) {
                return Some(fresh);
            }
            self.make_fresh(slots)?;
        }
    }

    /// Makes the segment of the next slot that was never used; `None` if all are reserved, or if
    /// there is no memory. Other threads may then reserve all of its slots.
    pub(super) fn make_fresh(&self, slots: &SlotArray<T>) -> Option<()> {
        // edge: none. Only the number passes.
        let next = self.shared.reserved.load(Ordering::Relaxed);
        let index = (next < slots.layout().slots_per_shard())
            .then(|| slots.layout().index(next, self.owned.number));
        slots.try_get_or_grow(index?).map(drop)
    }

    /// Reserves up to `count` slots that were never used, all in one segment, which is made. So a
    /// slot is reserved only if there is memory for it, and no number is ever given back: it could
    /// not be, once another thread has reserved the next one.
    pub(super) fn reserve_made(
        &self,
        slots: &SlotArray<T>,
        count: usize,
    ) -> Option<(usize, usize)> {
        let (reserved, layout) = (&self.shared.reserved, slots.layout());
        let most = layout.slots_per_shard();
        // edge: none. Only the numbers pass; the slots behind them are reached by edge "grow".
        let mut from = reserved.load(Ordering::Relaxed);
        while from < most {
            let index = layout.index(from, self.owned.number);
            slots.directory().get(index)?;
            let to = (from + count.min(layout.left_in_segment(index))).min(most);
            // edge: none. Only the numbers pass.
            match reserved.compare_exchange_weak(from, to, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Some((from, to)),
                Err(now) => from = now,
            }
        }
        None
    }

    /// Deletes the handle of `live`, which may be of any shard, and collects its slot. `None` if
    /// the handle is invalid; else whether there is a batch of `full` slots now.
    #[inline]
    pub(crate) fn delete(&self, state: &AtomicState, live: LiveState, full: usize) -> Option<bool> {
        let waiting = self.shared.limbo.unlink(state, live)?;
        Some(waiting >= full)
    }

    /// Counts a handle that any thread has issued.
    pub(crate) fn count_issued(&self) {
        count_shared(&self.shared.counts.issued);
    }

    /// Counts a handle that any thread has deleted.
    pub(crate) fn count_deleted(&self) {
        count_shared(&self.shared.counts.deleted);
    }

    /// Takes the deleted slots that are in no batch yet.
    pub(crate) fn take_limbo(&self) -> Option<SlotList> {
        let taken = self.shared.limbo.take();
        Some(SlotList { first: taken.link().next()?, len: taken.len(), reusable_in_place: false })
    }

    #[inline]
    pub(crate) fn sealed(&self) -> &SealedBatches {
        &self.shared.sealed
    }

    /// How many slots may have been used: those with numbers below this.
    pub(crate) fn used(&self) -> usize {
        // edge: none. Includes every slot whose reservation happens before this call.
        self.shared.reserved.load(Ordering::Relaxed)
    }

    /// The slots with these numbers, each with its number.
    pub(crate) fn slots<'s>(
        &self,
        slots: &'s SlotArray<T>,
        numbers: Range<usize>,
    ) -> impl Iterator<Item = (usize, Slot<'s, T>)> + use<'s, T> {
        slots.iter(self.owned.number, numbers)
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
