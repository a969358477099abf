//! The half of a shard that its owner alone writes.

use std::{fmt, marker::PhantomData, mem};

use super::{away::AwaySlots, counts::Counts};
use crate::{
    config::{batch_limit, ADOPTED_BATCHES, FREED_BATCH},
    reclaim::{Batch, BatchList, SlotList},
    slots::{Index, IndexRange, Link, LiveState},
    sync::UnsafeCell,
};

/// The owner's half: what it keeps without atomics, and the counts that other threads read.
pub(super) struct OwnerHalf<T> {
    pub(super) local: UnsafeCell<Local>,
    /// Written by the owner, read by all threads.
    pub(super) counts: Counts,
    /// The shard's number in its table.
    pub(super) number: usize,
    _values: PhantomData<T>,
}

// SAFETY: `local` is the only part that is not `Sync` by itself. Only an `Owner` touches it, so one
// thread at a time does, and the lease passes from thread to thread by edge "lease". The bounds on
// `T` are those of the table, see `HandleTable`.
unsafe impl<T: Send + Sync> Sync for OwnerHalf<T> {}
// SAFETY: only an `Owner` touches `local`, and nothing in it belongs to a thread. A table that is
// moved takes its values along, hence the bound.
unsafe impl<T: Send> Send for OwnerHalf<T> {}

impl<T> OwnerHalf<T> {
    pub(super) fn new(number: usize, indices: IndexRange) -> Self {
        Self {
            local: UnsafeCell::new(Local {
                free: Link::END,
                freed: 0,
                below: 0,
                batches: BatchList::new(),
                adopted: 0,
                away: AwaySlots::default(),
                limbo: Link::END,
                limbo_full_at: batch_limit::<T>(),
                limbo_is_mixed: false,
                indices,
                fresh: (0, 0),
            }),
            counts: Counts::new(),
            number,
            _values: PhantomData,
        }
    }
}

impl<T> fmt::Debug for OwnerHalf<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.counts.fmt(f)
    }
}

/// What the owner keeps without atomics. No method runs code of the user's, not even the allocator.
pub(super) struct Local {
    /// Free slots: vacant, or in limbo with a trivial value whose grace period is over. Some may be
    /// out of generations.
    pub(super) free: Link,
    /// How many slots were freed to `free` one by one, and are there.
    freed: usize,
    /// How many slots `free` has below those, at most: as many as the list had that it was
    /// [set](Self::set_free) to.
    below: usize,
    /// Adopted batches, each a further list of free slots, for when `free` is empty.
    batches: BatchList,
    /// How many batches are adopted, a long one counted as two.
    adopted: usize,
    /// Freed slots of another shard, not yet returned.
    pub(super) away: AwaySlots,
    /// Deleted slots that are not yet retired.
    limbo: Link,
    /// At which count of deletes the slots in `limbo` make a full batch.
    limbo_full_at: usize,
    /// Whether slots of other shards may be in `limbo`.
    limbo_is_mixed: bool,
    /// The indices of this shard.
    indices: IndexRange,
    /// The fresh slots that are reserved for the owner: the first number, and the number after the
    /// last.
    pub(super) fresh: (usize, usize),
}

impl Local {
    /// Takes the batch that was adopted last.
    pub(super) fn next_batch(&mut self) -> Option<Box<Batch>> {
        let batch = self.batches.next()?;
        self.adopted -= weight(&batch);
        Some(batch)
    }

    /// Makes a list the free list, which must be empty.
    pub(super) fn set_free(&mut self, slots: SlotList) {
        debug_assert_eq!(self.free, Link::END);
        self.free = Link::to(slots.first);
        self.freed = 0;
        self.below = slots.len;
    }

    /// Adds a whole batch to the free slots. Returns the batch if the owner has enough of them.
    pub(super) fn adopt(&mut self, batch: Box<Batch>) -> Option<Box<Batch>> {
        if self.adopted >= ADOPTED_BATCHES {
            return Some(batch);
        }
        self.adopted += weight(&batch);
        self.batches.push(batch);
        None
    }

    /// Adds a slot, which the caller has vacated with the link [`free`](Self::free). Returns
    /// whether so many were freed that they make a batch.
    #[inline]
    pub(super) fn add_free(&mut self, index: Index) -> bool {
        self.free = Link::to(index);
        self.freed += 1;
        self.freed == FREED_BATCH
    }

    /// Takes the free list, to make a batch of it. It is long if the list was [set](Self::set_free)
    /// before slots were freed to it.
    pub(super) fn take_free(&mut self) -> Option<SlotList> {
        let len = mem::take(&mut self.freed) + mem::take(&mut self.below);
        let first = mem::replace(&mut self.free, Link::END).next()?;
        Some(SlotList::free(first, len))
    }

    /// Takes the first slot off the free list, which goes on with `rest`.
    #[inline]
    pub(super) fn pop_free(&mut self, rest: Link) {
        self.free = rest;
        self.freed = self.freed.saturating_sub(1);
    }

    /// The link for the next slot that is deleted.
    #[inline]
    pub(super) fn limbo(&self) -> Link {
        self.limbo
    }

    /// Adds a slot that was unlinked with the link [`limbo`](Self::limbo). `deleted` counts the
    /// deletes, this one included. Returns whether the batch is full.
    #[inline]
    pub(super) fn add_to_limbo(&mut self, live: LiveState, deleted: usize) -> bool {
        if !self.indices.contains(live.index()) {
            self.limbo_is_mixed = true;
        }
        self.limbo = Link::to(live.index());
        deleted == self.limbo_full_at
    }

    /// Takes the deleted slots. `deleted` counts the deletes so far, `full` of which make a batch.
    pub(super) fn take_limbo(&mut self, deleted: usize, full: usize) -> Option<SlotList> {
        let full_at = mem::replace(&mut self.limbo_full_at, deleted.wrapping_add(full));
        let len = full - full_at.wrapping_sub(deleted);
        let is_mixed = mem::take(&mut self.limbo_is_mixed);
        Some(SlotList {
            first: mem::replace(&mut self.limbo, Link::END).next()?,
            len,
            // A short batch is not adopted: each one that is keeps its box allocated.
            reusable_in_place: len == full && !is_mixed,
        })
    }

    /// The first free slot.
    #[inline]
    pub(super) fn first_free(&self) -> Option<Index> {
        self.free.next()
    }

    /// The number of the next fresh slot, if some are reserved.
    pub(super) fn next_fresh(&mut self) -> Option<usize> {
        let (number, end) = self.fresh;
        (number < end).then(|| {
            self.fresh.0 += 1;
            number
        })
    }
}

/// As how many a batch counts.
fn weight(batch: &Batch) -> usize {
    if batch.slots().len > FREED_BATCH {
        2
    } else {
        1
    }
}
