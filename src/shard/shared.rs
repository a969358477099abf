//! A shard: the lists of its free slots, and of the deleted ones that wait to be retired together.
//!
//! Its owner, the thread with the shard's lease, works on what is in `owner.rs` with plain loads and
//! stores. Everyone else comes through the verbs here: a stack of vacant slots, a pile of deleted
//! ones, and the mark up to which slots have been used at all. Slots are claimed from, and returned
//! to, their own shard, whoever does it; deleted slots wait in the shard of the thread that deleted
//! them.

use crossbeam_utils::CachePadded;

use super::{
    lists::{Chain, LimboStack, VacantStack},
    owner::Owned,
};
use crate::{
    config::batch_limit,
    reclaim::{SealedBatches, SlotList, SweepLock},
    slots::{AtomicState, Index, IndexLayout, Link, LiveState, Slot, SlotArray, State},
    sync::{fence, AtomicUsize, Ordering},
};

/// One shard of a table of `T`.
#[derive(Debug)]
pub(crate) struct Shard<T> {
    /// The owner's alone.
    pub(crate) owned: CachePadded<Owned<T>>,
    /// Anyone's.
    shared: CachePadded<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// The shard's number in its table.
    number: usize,
    /// Vacant slots of this shard that its owner does not have.
    vacant: VacantStack,
    /// Deleted slots of any shard, not yet retired, of threads that own none.
    limbo: LimboStack,
    /// Slots up to this number have been handed out for use.
    used: AtomicUsize,
    /// Batches that were sealed here.
    sealed: SealedBatches,
    /// How many threads are dropping values of this shard's batches: see [`Shard::enter`].
    busy: AtomicUsize,
    /// Handles issued and deleted by the threads that own no shard.
    counts: Counts,
}

/// Handles issued, and handles deleted. Their difference, over all shards, is a table's length.
#[derive(Debug)]
pub(crate) struct Counts {
    pub(crate) issued: AtomicUsize,
    pub(crate) deleted: AtomicUsize,
}

impl Counts {
    pub(crate) fn new() -> Self {
        Self {
            issued: AtomicUsize::new(0),
            deleted: AtomicUsize::new(0),
        }
    }
}

/// Adds one to a count that other threads write too.
fn count(counter: &AtomicUsize) {
    // edge: none. A count, and nothing follows from it.
    counter.fetch_add(1, Ordering::Relaxed);
}

/// A vacant slot that one thread has taken, to publish a value in it or to give it back.
pub(crate) struct Claim<'s, T> {
    slot: Slot<'s, T>,
    index: Index,
    generation: usize,
}

impl<'s, T> Claim<'s, T> {
    /// # Safety
    ///
    /// The caller has taken the vacant slot of this room off a list, or carved it, with `state`.
    #[inline]
    pub(crate) unsafe fn new(slot: Slot<'s, T>, index: Index, state: State) -> Self {
        Self {
            slot,
            index,
            generation: state.generation(),
        }
    }

    /// The word of the handle that this slot will be issued under.
    #[inline]
    pub(crate) fn word(&self) -> LiveState {
        LiveState::new(self.generation, self.index)
    }

    /// Makes the handle valid, with this value.
    #[inline]
    pub(crate) fn publish(self, value: T) -> LiveState {
        let word = self.word();
        // SAFETY: the slot is claimed, as `new` was told.
        unsafe { self.slot.write(value) };
        self.slot.state().publish(word);
        word
    }

    /// The slot, its index and the generation to be issued next, to be given back.
    pub(crate) fn into_parts(self) -> (&'s AtomicState, Index, usize) {
        (self.slot.state(), self.index, self.generation + 1)
    }
}

impl<T> Shard<T> {
    pub(crate) fn new(number: usize, layout: IndexLayout) -> Self {
        Self {
            owned: CachePadded::new(Owned::new(layout.span(number))),
            shared: CachePadded::new(Shared {
                number,
                vacant: VacantStack::new(),
                limbo: LimboStack::new(),
                used: AtomicUsize::new(0),
                sealed: SealedBatches::new(),
                busy: AtomicUsize::new(0),
                counts: Counts::new(),
            }),
        }
    }

    /// Its number in its table.
    #[inline]
    pub(crate) fn number(&self) -> usize {
        self.shared.number
    }

    // New.

    /// Takes a vacant slot, by any thread. The segments are those of the shard's table, here as
    /// everywhere.
    pub(crate) fn claim<'s>(&self, segments: &'s SlotArray<T>) -> Option<Claim<'s, T>> {
        match self.shared.vacant.pop(segments) {
            Some((index, slot, state)) => {
                // SAFETY: popped, in that state.
                Some(unsafe { Claim::new(slot, index, state) })
            }
            None => {
                let (number, _) = self.reserve_fresh(segments, 1)?;
                // SAFETY: carved a moment ago.
                Some(unsafe { self.claim_fresh(segments, number) })
            }
        }
    }

    /// Takes all vacant slots that were returned, as a list.
    pub(crate) fn take_vacant(&self) -> Option<Index> {
        self.shared.vacant.take()
    }

    /// The claim of a slot that was never used.
    ///
    /// # Safety
    ///
    /// The caller has carved this number, and claims it once.
    pub(crate) unsafe fn claim_fresh<'s>(
        &self,
        segments: &'s SlotArray<T>,
        number: usize,
    ) -> Claim<'s, T> {
        let index = segments.layout().index(number, self.shared.number);
        // SAFETY: carved, as the caller says, and never used.
        unsafe { Claim::new(segments.get_or_grow(index), index, State::default()) }
    }

    /// Takes up to `count` slots that were never used, as numbers from, to.
    pub(crate) fn reserve_fresh(
        &self,
        segments: &SlotArray<T>,
        count: usize,
    ) -> Option<(usize, usize)> {
        let used = &self.shared.used;
        let most = segments.layout().slots_per_shard();
        // edge: none. The numbers are all that passes; the slots behind them come through "grow".
        let mut from = used.load(Ordering::Relaxed);
        loop {
            let to = (from + count).min(most);
            if from == to {
                return None;
            }
            // edge: none. As above.
            match used.compare_exchange_weak(from, to, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Some((from, to)),
                Err(now) => from = now,
            }
        }
    }

    /// Counts a handle that was issued by a thread without a shard.
    pub(crate) fn count_issued(&self) {
        count(&self.shared.counts.issued);
    }

    // Delete.

    /// Deletes the handle of `word`, which may be of any shard, if it is valid, by a thread that
    /// owns none; says whether there is a batch of them then.
    pub(crate) fn delete(&self, state: &AtomicState, word: LiveState) -> Option<bool> {
        if !state.unlink(word, Link::END) {
            return None;
        }
        count(&self.shared.counts.deleted);
        let waiting = self.shared.limbo.push(state, word.index());
        Some(waiting >= batch_limit::<T>())
    }

    /// Takes the deleted slots that wait, of threads that own no shard, as a list.
    pub(crate) fn take_limbo(&self) -> Option<SlotList> {
        let pile = self.shared.limbo.take();
        Some(SlotList {
            first: pile.link().next()?,
            len: pile.len(),
            reusable_in_place: false,
        })
    }

    #[inline]
    pub(crate) fn sealed(&self) -> &SealedBatches {
        &self.shared.sealed
    }

    /// Returns slots of this shard.
    pub(crate) fn free_chain(&self, chain: &Chain<'_>) {
        self.shared.vacant.push(chain);
    }

    // Keeping batches and walkers apart.

    /// Enters the part in which values of batches are dropped, unless a walker is at work on the
    /// whole table. [`leave`](Self::leave) ends it.
    pub(crate) fn enter(&self, sweep_lock: &SweepLock) -> bool {
        // edge: sweep. Either this count is seen by the walker, who waits, or the walker by us.
        self.shared.busy.fetch_add(1, Ordering::Relaxed);
        // edge: sweep. The fence between our store and our look; the walker has its twin.
        fence(Ordering::SeqCst);
        if sweep_lock.is_locked() {
            self.leave();
            return false;
        }
        true
    }

    /// See [`enter`](Self::enter).
    pub(crate) fn leave(&self) {
        // edge: sweep. What this thread did comes before what the walker does.
        self.shared.busy.fetch_sub(1, Ordering::Release);
    }

    /// Whether someone is between `enter` and `leave`.
    pub(crate) fn is_busy(&self) -> bool {
        // edge: sweep. After what those did who have left.
        self.shared.busy.load(Ordering::Acquire) != 0
    }

    // Walking.

    /// Every slot that may have been used, from number `first` on, with its number.
    pub(crate) fn slots<'s>(
        &self,
        segments: &'s SlotArray<T>,
        first: usize,
    ) -> impl Iterator<Item = (usize, Slot<'s, T>)> + use<'s, T> {
        // edge: none. Slots that were handed out before the caller's last edge are among them.
        let used = self.shared.used.load(Ordering::Relaxed);
        segments.iter(self.shared.number, first..used)
    }

    /// Handles issued by this shard's users so far.
    pub(crate) fn issued(&self) -> usize {
        // edge: none. A count, and nothing follows from it.
        let owned = self.owned.counts.issued.load(Ordering::Relaxed);
        owned.wrapping_add(self.shared.counts.issued.load(Ordering::Relaxed))
    }

    /// Handles deleted by this shard's users so far.
    pub(crate) fn deleted(&self) -> usize {
        // edge: none. A count, and nothing follows from it.
        let owned = self.owned.counts.deleted.load(Ordering::Relaxed);
        owned.wrapping_add(self.shared.counts.deleted.load(Ordering::Relaxed))
    }
}
