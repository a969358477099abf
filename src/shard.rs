//! A shard: slots, the lists of free ones, and the deleted ones that wait to be retired together.
//!
//! Its owner, the thread with the shard's lease, works on [`Local`] with plain loads and stores.
//! Everyone else uses the shared lists: a stack of vacant slots, a pile of deleted ones, and the
//! mark up to which slots have been used at all. Slots are claimed from, and returned to, their own
//! shard, whoever does it; deleted slots wait in the shard of the thread that deleted them.

use std::ptr::NonNull;

use crossbeam_utils::CachePadded;

use crate::{
    layout::{batch_limit, slots_per_shard, Index, Link, LiveWord, Word, BLOCK},
    lists::{LimboPile, VacantStack},
    node::{Node, NodeCache},
    segment::Segments,
    slot::Slot,
    sync::{fence, AtomicUsize, Ordering, UnsafeCell},
};

/// One shard of a table of `T`.
pub(crate) struct Shard<T> {
    number: usize,
    bits: u32,
    /// Written on the slow paths only, read by every verb.
    segments: Segments<T>,
    /// The owner's alone.
    owned: CachePadded<Owned<T>>,
    /// Anyone's.
    shared: CachePadded<Shared>,
}

// SAFETY: `owned.local` is the only part that isn't `Sync` by itself. Only the thread that holds
// the shard's lease touches it (a duty of `Shard::local`'s callers), and the lease passes from
// thread to thread with an edge of its own. It holds indices and empty nodes, no `T`; the values
// in the slots are sent and shared between threads, hence the bounds.
unsafe impl<T: Send + Sync> Sync for Shard<T> {}
// SAFETY: as above; and there is nothing in it that belongs to a thread.
unsafe impl<T: Send> Send for Shard<T> {}

struct Owned<T> {
    local: UnsafeCell<Local<T>>,
    /// Handles issued and deleted by this shard's users; their difference, over all shards, is the
    /// table's length.
    issued: AtomicUsize,
    deleted: AtomicUsize,
    /// How many threads are dropping values of this shard's batches: see `enter`.
    busy: AtomicUsize,
}

/// What the owner keeps without atomics.
struct Local<T> {
    /// Vacant slots of this shard.
    free: Link,
    /// Slots of this shard that were never used: from, to.
    fresh: (usize, usize),
    /// Deleted slots of any shard, not yet retired, and how many.
    limbo: Link,
    limbo_len: usize,
    nodes: NodeCache<T>,
}

struct Shared {
    /// Vacant slots of this shard that its owner does not have.
    vacant: VacantStack,
    /// Deleted slots of any shard, not yet retired, of threads that own none.
    limbo: LimboPile,
    /// Slots up to this number have been handed out for use.
    used: AtomicUsize,
}

/// A vacant slot that one thread has taken, to publish a value in it or to give it back.
pub(crate) struct Claim<'s, T> {
    pub(crate) slot: &'s Slot<T>,
    index: Index,
    generation: usize,
}

impl<'s, T> Claim<'s, T> {
    #[inline]
    fn new(slot: &'s Slot<T>, index: Index, state: Word) -> Self {
        Self {
            slot,
            index,
            generation: state.generation(),
        }
    }

    /// The word of the handle that this slot will be issued under.
    #[inline]
    pub(crate) fn word(&self) -> LiveWord {
        LiveWord::new(self.generation, self.index)
    }
}

impl<T> Shard<T> {
    /// From this many deletes on, the deleting thread retires them as a batch.
    pub(crate) const BATCH: usize = batch_limit(size_of::<Node<T>>());

    pub(crate) fn new(number: usize, bits: u32) -> Self {
        Self {
            number,
            bits,
            segments: Segments::new(),
            owned: CachePadded::new(Owned {
                local: UnsafeCell::new(Local {
                    free: Link::END,
                    fresh: (0, 0),
                    limbo: Link::END,
                    limbo_len: 0,
                    nodes: NodeCache::new(),
                }),
                issued: AtomicUsize::new(0),
                deleted: AtomicUsize::new(0),
                busy: AtomicUsize::new(0),
            }),
            shared: CachePadded::new(Shared {
                vacant: VacantStack::new(),
                limbo: LimboPile::new(),
                used: AtomicUsize::new(0),
            }),
        }
    }

    /// The slot with this index, if it was ever used. The index must be of this shard.
    #[inline]
    pub(crate) fn find(&self, index: Index) -> Option<&Slot<T>> {
        self.segments.get(index.slot(self.bits))
    }

    /// Lends out the owner's part.
    ///
    /// # Safety
    ///
    /// The calling thread holds this shard's lease, and `f` runs no code of the user's, which
    /// could come back here while `f` has it borrowed.
    #[inline]
    unsafe fn local<R>(&self, f: impl FnOnce(&mut Local<T>) -> R) -> R {
        // SAFETY: the caller's duty: one thread, and never one borrow inside another.
        self.owned.local.with_mut(|local| f(unsafe { &mut *local }))
    }

    /// Its number in its table.
    #[inline]
    pub(crate) fn number(&self) -> usize {
        self.number
    }

    // New.

    /// Takes a vacant slot: one of the owner's own, one that others returned, or one that was
    /// never used.
    ///
    /// # Safety
    ///
    /// The calling thread holds this shard's lease.
    #[inline]
    pub(crate) unsafe fn claim_owned(&self) -> Option<Claim<'_, T>> {
        // SAFETY: the caller's duty; nothing in here calls out.
        unsafe {
            self.local(|local| match local.free.next() {
                Some(first) => Some(self.claim_first(local, first)),
                None => self.refill_and_claim(local),
            })
        }
    }

    #[inline]
    fn claim_first(&self, local: &mut Local<T>, first: Index) -> Claim<'_, T> {
        let slot = self.segments.get_or_grow(first.slot(self.bits));
        let state = slot.own_state();
        local.free = state.link();
        Claim::new(slot, first, state)
    }

    #[cold]
    fn refill_and_claim(&self, local: &mut Local<T>) -> Option<Claim<'_, T>> {
        if local.fresh.0 == local.fresh.1 {
            if let Some(first) = self.shared.vacant.take() {
                return Some(self.claim_first(local, first));
            }
            local.fresh = self.carve(BLOCK)?;
        }
        let number = local.fresh.0;
        local.fresh.0 += 1;
        Some(self.claim_fresh(number))
    }

    /// Takes a vacant slot, by any thread.
    pub(crate) fn claim_shared(&self) -> Option<Claim<'_, T>> {
        match self.shared.vacant.pop(&self.segments, self.bits) {
            Some((index, slot, state)) => Some(Claim::new(slot, index, state)),
            None => self.carve(1).map(|(number, _)| self.claim_fresh(number)),
        }
    }

    /// The claim of a slot that was never used.
    fn claim_fresh(&self, number: usize) -> Claim<'_, T> {
        let index = Index::new(number, self.number, self.bits);
        Claim::new(self.segments.get_or_grow(number), index, Word::default())
    }

    /// Takes up to `count` slots that were never used, as numbers from, to.
    fn carve(&self, count: usize) -> Option<(usize, usize)> {
        let used = &self.shared.used;
        // edge: none. The numbers are all that passes; the slots behind them come through "grow".
        let mut from = used.load(Ordering::Relaxed);
        loop {
            let to = (from + count).min(slots_per_shard(self.bits));
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

    /// A node with `value` in it, from the owner's cache.
    ///
    /// # Safety
    ///
    /// The calling thread holds this shard's lease.
    #[inline]
    pub(crate) unsafe fn fill_node(&self, value: T) -> NonNull<Node<T>> {
        // SAFETY: the caller's duty; moving `value` runs none of its code.
        unsafe { self.local(|local| local.nodes.fill(value)) }
    }

    /// Keeps an empty node in the owner's cache.
    ///
    /// # Safety
    ///
    /// The calling thread holds this shard's lease; and as for [`Node::free`].
    pub(crate) unsafe fn put_node(&self, node: NonNull<Node<T>>) {
        // SAFETY: the caller's duty.
        unsafe { self.local(|local| local.nodes.put(node)) }
    }

    // Delete.

    /// Deletes the handle of `word`, which may be of any shard; says how many deleted slots wait.
    ///
    /// # Safety
    ///
    /// The calling thread holds this shard's lease.
    #[inline]
    pub(crate) unsafe fn delete_owned(
        &self,
        slot: &Slot<T>,
        word: LiveWord,
    ) -> Result<usize, Word> {
        let delete = |local: &mut Local<T>| {
            slot.unlink(word, local.limbo)?;
            local.limbo = Link::to(word.index());
            local.limbo_len += 1;
            Ok(local.limbo_len)
        };
        // SAFETY: the caller's duty; nothing in `delete` calls out.
        unsafe { self.local(delete) }
    }

    /// The same by any thread.
    pub(crate) fn delete_shared(&self, slot: &Slot<T>, word: LiveWord) -> Result<usize, Word> {
        slot.unlink(word, Link::END)?;
        Ok(self.shared.limbo.push(slot, word.index()))
    }

    /// Takes the deleted slots that wait, as a list.
    ///
    /// # Safety
    ///
    /// The calling thread holds this shard's lease.
    pub(crate) unsafe fn take_limbo_owned(&self) -> Option<Index> {
        let take = |local: &mut Local<T>| {
            local.limbo_len = 0;
            std::mem::replace(&mut local.limbo, Link::END).next()
        };
        // SAFETY: the caller's duty; nothing in `take` calls out.
        unsafe { self.local(take) }
    }

    /// The same of those that threads without a shard deleted, by any thread.
    pub(crate) fn take_limbo_shared(&self) -> Option<Index> {
        self.shared.limbo.take().next()
    }

    /// Returns a slot of this shard that the caller owns, used up under `generation`, to its
    /// owner's list.
    ///
    /// # Safety
    ///
    /// The calling thread holds this shard's lease.
    pub(crate) unsafe fn vacate_owned(&self, slot: &Slot<T>, index: Index, generation: usize) {
        let vacate = |local: &mut Local<T>| {
            if slot.vacate(generation, local.free).is_some() {
                local.free = Link::to(index);
            }
        };
        // SAFETY: the caller's duty; nothing in `vacate` calls out.
        unsafe { self.local(vacate) }
    }

    /// The same by any thread.
    pub(crate) fn vacate_shared(&self, slot: &Slot<T>, index: Index, generation: usize) {
        self.shared.vacant.push(slot, index, generation);
    }

    // Counting, and keeping batches and walkers apart.

    /// Counts a handle that was issued; `owned` if the caller holds this shard's lease, and then
    /// no other thread writes the count.
    #[inline]
    pub(crate) fn count_issued(&self, owned: bool) {
        count(&self.owned.issued, owned);
    }

    /// Counts a handle that was deleted.
    #[inline]
    pub(crate) fn count_deleted(&self, owned: bool) {
        count(&self.owned.deleted, owned);
    }

    /// Handles issued here so far.
    pub(crate) fn issued(&self) -> usize {
        // edge: none. A count, and nothing follows from it.
        self.owned.issued.load(Ordering::Relaxed)
    }

    /// Handles deleted by this shard's users so far.
    pub(crate) fn deleted(&self) -> usize {
        // edge: none. A count, and nothing follows from it.
        self.owned.deleted.load(Ordering::Relaxed)
    }

    /// Enters the part in which values of batches are dropped, unless `walkers` says that a
    /// walker is doing it for the whole table. [`leave`](Self::leave) ends it.
    pub(crate) fn enter(&self, walkers: &AtomicUsize) -> bool {
        // edge: walk. Either this count is seen by the walker, who waits, or the walker by us.
        self.owned.busy.fetch_add(1, Ordering::Relaxed);
        // edge: walk. The fence between our store and our look; the walker has its twin.
        fence(Ordering::SeqCst);
        // edge: walk. After what the last walker did.
        if walkers.load(Ordering::Acquire) == 0 {
            return true;
        }
        self.leave();
        false
    }

    /// See [`enter`](Self::enter).
    pub(crate) fn leave(&self) {
        // edge: walk. What this thread did comes before what the walker does.
        self.owned.busy.fetch_sub(1, Ordering::Release);
    }

    /// Whether someone is between `enter` and `leave`.
    pub(crate) fn is_busy(&self) -> bool {
        // edge: walk. After what those did who have left.
        self.owned.busy.load(Ordering::Acquire) != 0
    }

    // Walking.

    /// Every slot that may have been used, from number `first` on, with its number.
    pub(crate) fn slots(&self, first: usize) -> impl Iterator<Item = (usize, &Slot<T>)> {
        // edge: none. Slots that were handed out before the caller's last edge are among them.
        let used = self.shared.used.load(Ordering::Relaxed);
        self.segments.iter(first..used)
    }

    /// The bytes of this shard and its slots, without nodes.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + self.segments.bytes()
    }
}

#[inline]
fn count(counter: &AtomicUsize, owned: bool) {
    // edge: none. A count, and nothing follows from it; only its owner writes it.
    if owned {
        let now = counter.load(Ordering::Relaxed);
        // edge: none. As above.
        counter.store(now.wrapping_add(1), Ordering::Relaxed);
    } else {
        // edge: none. A count of many writers.
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
