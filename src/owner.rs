//! What the thread with a shard's lease does there: the verbs without read-modify-writes, but for
//! the one that decides a delete.

use std::{fmt, marker::PhantomData};

use crate::{
    index::{Index, Link},
    layout::{batch_limit, BLOCK},
    segment::Segments,
    shard::{Claim, Counts, Shard},
    slot::Slot,
    sync::{AtomicUsize, Ordering, UnsafeCell},
    word::LiveWord,
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
    /// Vacant slots of this shard.
    free: Link,
    /// Deleted slots of any shard, not yet retired, and how many more make a batch.
    limbo: Link,
    limbo_room: usize,
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
    pub(crate) fn new() -> Self {
        Self {
            local: UnsafeCell::new(Local {
                free: Link::END,
                limbo: Link::END,
                limbo_room: batch_limit::<T>(),
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
    segments: &'c Segments<T>,
    _this_thread: PhantomData<*const ()>,
}

/// Adds one to a count that only its owner writes.
#[inline]
fn count(counter: &AtomicUsize) {
    // edge: none. A count, and nothing follows from it.
    let now = counter.load(Ordering::Relaxed);
    // edge: none. As above.
    counter.store(now.wrapping_add(1), Ordering::Relaxed);
}

impl<'c, T> Owner<'c, T> {
    /// # Safety
    ///
    /// The calling thread holds the lease of `shard`, and keeps it while this exists.
    #[inline]
    pub(crate) unsafe fn new(shard: &'c Shard<T>, segments: &'c Segments<T>) -> Self {
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
                Some(self.claim_first(local, first))
            })
        }
    }

    /// Takes a vacant slot that others returned, or one that was never used.
    pub(crate) fn claim_more(&self) -> Option<Claim<'c, T>> {
        let next = |local: &mut Local| {
            if local.fresh.0 == local.fresh.1 {
                if let Some(first) = self.shard.take_vacant() {
                    return Some(Ok(self.claim_first(local, first)));
                }
                local.fresh = self.shard.carve(self.segments, BLOCK)?;
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

    /// Takes the first slot of a list, which is of this shard.
    #[inline]
    fn claim_first(&self, local: &mut Local, first: Index) -> Claim<'c, T> {
        // SAFETY: it is on a list since it was used, and came here by that.
        let room = unsafe { self.segments.known(first) };
        let state = room.slot().own_state();
        local.free = state.link();
        // SAFETY: taken off the owner's list, in that state.
        unsafe { Claim::new(room, first, state) }
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
    pub(crate) fn delete(&self, slot: &Slot, word: LiveWord) -> Option<bool> {
        let delete = |local: &mut Local| {
            slot.unlink(word, local.limbo).then(|| {
                count(&self.shard.owned.counts.deleted);
                local.limbo = Link::to(word.index());
                local.limbo_room -= 1;
                local.limbo_room == 0
            })
        };
        // SAFETY: nothing in `delete` calls out.
        unsafe { self.local(delete) }
    }

    /// Takes the deleted slots that wait, as a list.
    pub(crate) fn take_limbo(&self) -> Option<Index> {
        let take = |local: &mut Local| {
            local.limbo_room = batch_limit::<T>();
            std::mem::replace(&mut local.limbo, Link::END).next()
        };
        // SAFETY: nothing in `take` calls out.
        unsafe { self.local(take) }
    }

    /// Returns a slot of this shard that the caller owns, to be issued with `generation` next.
    #[inline]
    pub(crate) fn vacate(&self, slot: &Slot, index: Index, generation: usize) {
        let vacate = |local: &mut Local| {
            if slot.vacate(generation, local.free) {
                local.free = Link::to(index);
            }
        };
        // SAFETY: nothing in `vacate` calls out.
        unsafe { self.local(vacate) }
    }
}
