//! What the thread with a shard's lease does there: the verbs without read-modify-writes, but for
//! the one that decides a delete.

use std::{fmt, marker::PhantomData, mem};

use super::shared::{Claim, Counts, Shard};
use crate::{
    config::{batch_limit, FRESH_BLOCK, LAST_GENERATION},
    reclaim::{Batch, BatchList, SlotList},
    slots::{AtomicState, Index, IndexRange, Link, LiveState, SlotArray, SlotLayout},
    sync::{AtomicUsize, Ordering, UnsafeCell},
};

/// The part of a shard that its owner alone writes.
pub(crate) struct Owned<T> {
    local: UnsafeCell<Local>,
    /// Written by the owner, read by all.
    pub(crate) counts: Counts,
    _values: PhantomData<T>,
}

/// What the owner keeps without atomics.
struct Local {
    /// Vacant slots of this shard; of plain values also such in limbo whose grace period is over. Some
    /// may be used up.
    free: Link,
    /// More of them: whole runs, for when that list is empty.
    batches: BatchList,
    /// Deleted slots, not yet retired, and at which count of deletes they make a full batch.
    limbo: Link,
    limbo_full_at: usize,
    /// Whether slots of other shards may be among them.
    limbo_is_mixed: bool,
    /// Those of this shard's slots.
    indices: IndexRange,
    /// Slots of this shard that were never used: from, to.
    fresh: (usize, usize),
}

// SAFETY: `local` is the only part that isn't `Sync` by itself, and only an `Owner` touches it: one
// thread at a time, and the lease passes from thread to thread with an edge of its own. The bounds
// are the whole table's, which has them from here: through `&self`, inserts and removes move values
// between threads, and look-ups share them.
unsafe impl<T: Send + Sync> Sync for Owned<T> {}
// SAFETY: as above; a table that is moved takes its values along, and nothing in it belongs to a
// thread.
unsafe impl<T: Send> Send for Owned<T> {}

impl<T> Owned<T> {
    pub(crate) fn new(indices: IndexRange) -> Self {
        Self {
            local: UnsafeCell::new(Local {
                free: Link::END,
                batches: BatchList::new(),
                limbo: Link::END,
                limbo_full_at: batch_limit::<T>(),
                limbo_is_mixed: false,
                indices,
                fresh: (0, 0),
            }),
            counts: Counts::new(),
            _values: PhantomData,
        }
    }
}

impl<T> fmt::Debug for Owned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.counts.fmt(f)
    }
}

/// A shard, and the proof that the calling thread holds its lease. It stays on that thread, for
/// one step of an operation: user code may run between two `Owner`s, not while one is at work.
pub(crate) struct Owner<'c, T> {
    shard: &'c Shard<T>,
    segments: &'c SlotArray<T>,
    _this_thread: PhantomData<*const ()>,
}

/// Adds one to a count that only its owner writes; says what it is then.
#[inline]
fn count(counter: &AtomicUsize) -> usize {
    // edge: none. A count, from which nothing follows for other threads.
    let now = counter.load(Ordering::Relaxed).wrapping_add(1);
    // edge: none. As above.
    counter.store(now, Ordering::Relaxed);
    now
}

impl<'c, T> Owner<'c, T> {
    /// # Safety
    ///
    /// The calling thread holds the lease of `shard`, and keeps it while this exists.
    #[inline]
    pub(crate) unsafe fn new(shard: &'c Shard<T>, segments: &'c SlotArray<T>) -> Self {
        Self {
            shard,
            segments,
            _this_thread: PhantomData,
        }
    }

    #[inline]
    pub(crate) fn shard(&self) -> &'c Shard<T> {
        self.shard
    }

    /// Lends out the owner's part.
    ///
    /// # Safety
    ///
    /// `f` runs no code of the user's: that could come back here while `f` has the part borrowed.
    #[inline]
    unsafe fn local<R>(&self, f: impl FnOnce(&mut Local) -> R) -> R {
        let local = &self.shard.owned.local;
        // SAFETY: an `Owner` is proof that no other thread is here, and the caller promises that
        // this thread isn't either.
        local.with_mut(|local| f(unsafe { &mut *local }))
    }

    // New.

    /// Takes a vacant slot from the owner's own list, if there is one.
    #[inline]
    pub(crate) fn claim_free(&self) -> Option<Claim<'c, T>> {
        // SAFETY: nothing in here calls out.
        unsafe {
            self.local(|local| {
                let first = local.free.next()?;
                self.claim_first(local, first)
            })
        }
    }

    /// Takes a slot of a run that came back, one that was returned, or one that was never used.
    pub(crate) fn claim_more(&self) -> Option<Claim<'c, T>> {
        let next_run = |local: &mut Local| {
            debug_assert_eq!(local.free, Link::END);
            let run = local.batches.next()?;
            local.free = Link::to(run.run().first);
            Some(run)
        };
        // SAFETY: nothing in `next_run` calls out.
        while let Some(run) = unsafe { self.local(next_run) } {
            // Not in there: it gives memory back, and the allocator is the user's.
            drop(run);
            if let Some(claim) = self.claim_free() {
                return Some(claim);
            }
        }
        self.claim_other()
    }

    fn claim_other(&self) -> Option<Claim<'c, T>> {
        let next = |local: &mut Local| {
            if local.fresh.0 == local.fresh.1 {
                if let Some(first) = self.shard.take_vacant() {
                    return Some(Ok(self.claim_first(local, first)?));
                }
                local.fresh = self.shard.reserve_fresh(self.segments, FRESH_BLOCK)?;
            }
            local.fresh.0 += 1;
            Some(Err(local.fresh.0 - 1))
        };
        // SAFETY: nothing in `next` calls out.
        match unsafe { self.local(next) }? {
            Ok(claim) => Some(claim),
            // Not in there: it may allocate, and the allocator is the user's.
            // SAFETY: `carve` gave the number to this owner, who has just counted on.
            Err(number) => Some(unsafe { self.shard.claim_fresh(self.segments, number) }),
        }
    }

    /// Takes the first slot of a list, which is of this shard and can be issued.
    #[inline]
    fn claim_first(&self, local: &mut Local, mut first: Index) -> Option<Claim<'c, T>> {
        loop {
            debug_assert_eq!(self.segments.layout().shard(first), self.shard.number());
            // SAFETY: it is on a list since it was used, and came here by that.
            let slot = unsafe { self.segments.known(first) };
            let mut state = slot.state().load_own();
            local.free = state.link();
            if SlotLayout::<T>::TRIVIAL {
                // Others are vacant.
                state = state.vacated();
            }
            if state.generation() <= LAST_GENERATION {
                // SAFETY: taken off the owner's list, vacant in that state or as good as that.
                return Some(unsafe { Claim::new(slot, first, state) });
            }
            slot.state().vacate(state.generation(), Link::END);
            first = local.free.next()?;
        }
    }

    /// Counts a handle that was issued.
    #[inline]
    pub(crate) fn count_issued(&self) {
        count(&self.shard.owned.counts.issued);
    }

    // Delete.

    /// Deletes the handle of `word`, which may be of any shard, if it is valid; says whether the
    /// batch is full then, so that the caller must [take](Self::take_limbo) it.
    #[inline]
    pub(crate) fn delete(&self, state: &AtomicState, word: LiveState) -> Option<bool> {
        let delete = |local: &mut Local| {
            state.unlink(word, local.limbo).then(|| {
                if !local.indices.contains(word.index()) {
                    local.limbo_is_mixed = true;
                }
                local.limbo = Link::to(word.index());
                count(&self.shard.owned.counts.deleted) == local.limbo_full_at
            })
        };
        // SAFETY: nothing in `delete` calls out.
        unsafe { self.local(delete) }
    }

    /// Takes the deleted slots that wait.
    pub(crate) fn take_limbo(&self) -> Option<SlotList> {
        let full = batch_limit::<T>();
        let take = |local: &mut Local| {
            // edge: none. The owner's own count.
            let deleted = self.shard.owned.counts.deleted.load(Ordering::Relaxed);
            let full_at = mem::replace(&mut local.limbo_full_at, deleted.wrapping_add(full));
            let len = full - full_at.wrapping_sub(deleted);
            let is_mixed = mem::take(&mut local.limbo_is_mixed);
            Some(SlotList {
                first: mem::replace(&mut local.limbo, Link::END).next()?,
                len,
                // Short ones don't pay: each is kept in memory of its own.
                reusable_in_place: len == full && !is_mixed,
            })
        };
        // SAFETY: nothing in `take` calls out.
        unsafe { self.local(take) }
    }

    /// Keeps a whole run of slots of this shard whose grace period is over: hollow ones, or of plain
    /// values, for which nothing is done each: who claims one takes the step from limbo to vacant
    /// with it.
    pub(crate) fn adopt_batch(&self, run: Box<Batch>) {
        let adopt_batch = |local: &mut Local| {
            if local.free == Link::END {
                local.free = Link::to(run.run().first);
                return Some(run);
            }
            local.batches.push(run);
            None
        };
        // Dropped out here: it gives memory back, and the allocator is the user's.
        // SAFETY: nothing in `keep` calls out.
        drop(unsafe { self.local(adopt_batch) });
    }
}
