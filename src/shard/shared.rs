//! [`Shard`], and what any thread may do with it.

use std::ops::Range;

use crossbeam_utils::CachePadded;

use super::{
    claim::Claim,
    counts::{count_shared, Counter, Counts},
    lists::{Chain, LimboStack, VacantStack},
    local::OwnerHalf,
};
use crate::{
    config::{FREED_BATCH, FRESH_BLOCK, LARGE_BLOCK, LARGE_SHARD},
    epoch::Ticket,
    reclaim::{Batch, BatchStack, SealedBatches, SlotList},
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
    /// Vacant slots of this shard that its owner does not have.
    vacant: VacantStack,
    /// Batches of vacant slots, of any shard, that its owner has too many of.
    spare: BatchStack,
    /// Deleted slots, of any shard, that are in no batch yet.
    limbo: LimboStack,
    /// The slots with numbers below this have been reserved for use.
    reserved: AtomicUsize,
    /// How often a thread has begun to take a list of vacant slots, of which it puts most back.
    begun: AtomicUsize,
    /// How often that was done.
    done: AtomicUsize,
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
                vacant: VacantStack::new(),
                spare: BatchStack::new(),
                limbo: LimboStack::new(),
                reserved: AtomicUsize::new(0),
                begun: AtomicUsize::new(0),
                done: AtomicUsize::new(0),
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
        let pop = || {
            let (index, slot, state) = self.shared.vacant.pop(slots)?;
            // SAFETY: popped, in that state; the counter is shared.
            Some(unsafe { Claim::new(slot, index, state, self.issued_shared()) })
        };
        pop().or_else(|| {
            if self.shared.spare.is_empty() {
                return None;
            }
            self.while_taking(|| self.claim_spare(slots))
        })
    }

    /// Claims the first slot of the spare batches that has a generation left. The others stay in
    /// their batch: if they went to the vacant stack, which may have had them before, its head
    /// could return.
    fn claim_spare<'s>(&'s self, slots: &'s SlotArray<T>) -> Option<Claim<'s, T>> {
        loop {
            let mut batch = self.shared.spare.take_one()?;
            let mut next = Some(batch.slots().first);
            let claim = self.claim_first(slots, &mut next);
            if let Some(rest) = next {
                batch.begin_at(rest);
                self.leave(batch);
            }
            if claim.is_some() {
                return claim;
            }
        }
    }

    /// Claims the first slot of a list that has a generation left, and moves `next` behind it.
    fn claim_first<'s>(
        &'s self,
        slots: &'s SlotArray<T>,
        next: &mut Option<Index>,
    ) -> Option<Claim<'s, T>> {
        while let Some(index) = *next {
            // SAFETY: the slot was used before, and reached this thread through its list.
            let slot = unsafe { slots.directory().known(index) };
            let state = slot.state().load_own();
            *next = state.link().next();
            // A trivial value's slot may still be in limbo, see `SlotLayout::TRIVIAL`.
            let vacant = state.vacated();
            if vacant.is_issuable() {
                // SAFETY: taken off its list, to be issued with that state; the counter is shared.
                return Some(unsafe { Claim::new(slot, index, vacant, self.issued_shared()) });
            }
            slot.state().vacate(vacant.generation(), Link::END);
        }
        None
    }

    fn issued_shared(&self) -> Counter<'_> {
        Counter::Shared(&self.shared.counts.issued)
    }

    /// Leaves a batch of free slots to whoever needs some.
    pub(super) fn leave(&self, batch: Box<Batch>) {
        self.shared.spare.push(batch);
    }

    /// Takes slots that are vacant here, about as many as a batch has.
    pub(crate) fn take_returned(&self, slots: &SlotArray<T>) -> Option<SlotList> {
        if !self.has_returned() {
            return None;
        }
        self.while_taking(|| match self.shared.spare.take_one() {
            Some(batch) => Some(self.cut(slots, batch.slots())),
            None => {
                let first = self.shared.vacant.take()?;
                Some(self.cut(slots, SlotList::free(first, SlotList::MANY)))
            }
        })
    }

    /// Runs `take`, which takes a list of vacant slots and puts most of it back. Meanwhile other
    /// threads find none of them; [`begun`](Self::begun) tells them why.
    fn while_taking<R>(&self, take: impl FnOnce() -> R) -> R {
        // edge: none. A hint: a thread that misses it finds the table full too early.
        self.shared.begun.fetch_add(1, Ordering::Relaxed);
        let taken = take();
        // edge: none. A hint: a thread that misses it looks for slots once more.
        self.shared.done.fetch_add(1, Ordering::Relaxed);
        taken
    }

    /// How often a thread has begun to take a list of vacant slots, of which it puts most back.
    pub(crate) fn begun(&self) -> usize {
        // edge: none. A hint: a thread that misses it finds the table full too early.
        self.shared.begun.load(Ordering::Relaxed)
    }

    /// How often that was done: as often as [`begun`](Self::begun) if no thread is about it.
    pub(crate) fn done(&self) -> usize {
        // edge: none. A hint: a thread that misses it looks for slots once more.
        self.shared.done.load(Ordering::Relaxed)
    }

    /// Whether [`take_returned`](Self::take_returned) would find something. A hint.
    pub(crate) fn has_returned(&self) -> bool {
        !self.shared.spare.is_empty() || !self.shared.vacant.is_empty()
    }

    /// The first slots of a list that may be long. The others are left to whoever needs some.
    fn cut(&self, slots: &SlotArray<T>, list: SlotList) -> SlotList {
        let (list, rest) = split(slots, list);
        if let Some(rest) = rest {
            self.leave(Batch::new(rest, Ticket::past()));
        }
        list
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

    /// Frees slots of this shard.
    pub(crate) fn free_chain(&self, chain: &Chain<'_>) {
        self.shared.vacant.push(chain);
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

/// Splits a list of free slots: into as many as make a batch, and the rest.
pub(super) fn split<T>(slots: &SlotArray<T>, list: SlotList) -> (SlotList, Option<SlotList>) {
    if list.len <= FREED_BATCH {
        return (list, None);
    }
    // SAFETY: the slot was used before, and reached this thread through its list.
    let state = |index| unsafe { slots.directory().known(index) }.state();
    let batch = SlotList::free(list.first, FREED_BATCH);
    let mut last = list.first;
    for _ in 1..FREED_BATCH {
        match state(last).load_own().link().next() {
            Some(next) => last = next,
            None => return (batch, None),
        }
    }
    let free = state(last).load_own();
    let rest = free.link().next().map(|rest| {
        state(last).relink(free, Link::END);
        SlotList::free(rest, list.len - FREED_BATCH)
    });
    (batch, rest)
}
