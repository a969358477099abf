//! The body of a table that has been used: its shards, and the three verbs over them.
//!
//! A thread works from its *seat*: the shard that it owns or, if it owns none, shard 0, which
//! nobody owns.

use std::{
    panic::{catch_unwind, AssertUnwindSafe},
    ptr::NonNull,
};

use crossbeam_utils::CachePadded;

use crate::{
    error::{Full, HandleError},
    handle::Handle,
    layout::{Index, LiveWord, Phase, Word, KEY_MASK},
    node::Node,
    reclaim::ReadyLists,
    shard::{Claim, Shard},
    slot::Slot,
    sync::{Arc, AtomicUsize, Ordering},
    thread::{self, is_dropping, while_dropping, Guard},
};

/// Everything behind a table's one pointer.
pub(crate) struct Core<T> {
    /// Exclusive-ored into every handle, so that those of other tables are unknown here.
    key: usize,
    /// log2 of the number of shards.
    bits: u32,
    pub(crate) shards: Box<[Shard<T>]>,
    /// Batches whose grace period is over, for each shard.
    pub(crate) ready: Arc<ReadyLists>,
    /// One while a walker drops values for the whole table, else zero. See `walk.rs`.
    pub(crate) walkers: CachePadded<AtomicUsize>,
    /// Handles that may still be issued, for a table that was built with a limit.
    quota: Option<CachePadded<AtomicUsize>>,
    /// Values whose drop panicked.
    drop_panics: AtomicUsize,
}

/// Where the calling thread works.
pub(crate) struct Seat<'c, T> {
    shard: &'c Shard<T>,
    /// Whether the thread holds the lease of `shard`.
    owned: bool,
}

impl<T> Core<T> {
    pub(crate) fn new(shards: usize, max_handles: usize) -> Self {
        let bits = shards.ilog2();
        let limited = max_handles != usize::MAX;
        Self {
            key: new_key(),
            bits,
            shards: (0..shards).map(|nth| Shard::new(nth, bits)).collect(),
            ready: Arc::new(ReadyLists::new(shards)),
            walkers: CachePadded::new(AtomicUsize::new(0)),
            quota: limited.then(|| CachePadded::new(AtomicUsize::new(max_handles))),
            drop_panics: AtomicUsize::new(0),
        }
    }

    /// The seat of the calling thread. Good until the thread's locals are destroyed, which cannot
    /// happen in the middle of a call.
    #[inline]
    pub(crate) fn seat(&self) -> Seat<'_, T> {
        let own = thread::lease().and_then(|lease| self.shards.get(lease + 1));
        Seat {
            shard: own.unwrap_or(&self.shards[0]),
            owned: own.is_some(),
        }
    }

    // New.

    /// Issues a handle for `value`.
    #[inline]
    pub(crate) fn insert(&self, value: T) -> Result<Handle, Full<T>> {
        let seat = self.seat();
        match self.claim(&seat) {
            Some(claim) => Ok(self.publish(&seat, &claim, value)),
            None => Err(Full::new(value)),
        }
    }

    /// Issues a handle for the value that `make` makes of it.
    pub(crate) fn insert_with<F: FnOnce(Handle) -> T>(&self, make: F) -> Result<Handle, Full<F>> {
        /// Gives the slot back if `make` panics. Its generation is not used again, since `make`
        /// has seen the handle.
        struct Undo<'c, T>(&'c Core<T>, Option<Claim<'c, T>>);
        impl<T> Drop for Undo<'_, T> {
            fn drop(&mut self) {
                if let Some(claim) = self.1.take() {
                    let word = claim.word();
                    let generation = word.word().generation();
                    self.0
                        .vacate(&self.0.seat(), claim.slot, word.index(), generation);
                    self.0.release_quota();
                }
            }
        }

        let Some(claim) = self.claim(&self.seat()) else {
            return Err(Full::new(make));
        };
        let handle = self.handle(claim.word());
        let mut undo = Undo(self, Some(claim));
        let value = make(handle);
        if let Some(claim) = undo.1.take() {
            self.publish(&self.seat(), &claim, value);
        }
        Ok(handle)
    }

    /// A vacant slot, and the right to issue a handle: from the seat, else from any shard.
    #[inline]
    fn claim(&self, seat: &Seat<'_, T>) -> Option<Claim<'_, T>> {
        if !self.take_quota() {
            return None;
        }
        let claim = if seat.owned {
            let own: *const Shard<T> = seat.shard;
            // SAFETY: `seat.shard` is one of `self.shards`, so it lives as long as `self`; and the
            // calling thread holds its lease.
            unsafe { (*own).claim_owned() }
        } else {
            self.shards[0].claim_shared()
        };
        claim.or_else(|| self.claim_anywhere())
    }

    #[cold]
    fn claim_anywhere(&self) -> Option<Claim<'_, T>> {
        let claim = self.shards.iter().find_map(Shard::claim_shared);
        if claim.is_none() {
            self.release_quota();
        }
        claim
    }

    #[inline]
    fn publish(&self, seat: &Seat<'_, T>, claim: &Claim<'_, T>, value: T) -> Handle {
        let node = if seat.owned {
            // SAFETY: the calling thread holds the lease.
            unsafe { seat.shard.fill_node(value) }
        } else {
            Node::boxed(value)
        };
        claim.slot.publish(claim.word(), node);
        seat.shard.count_issued(seat.owned);
        self.handle(claim.word())
    }

    fn handle(&self, word: LiveWord) -> Handle {
        Handle::from_live_bits(word.bits() ^ self.key)
    }

    /// The handle of a slot that was seen with this state, if that is live.
    pub(crate) fn handle_of(&self, state: Word) -> Option<Handle> {
        (state.phase() == Phase::Live).then(|| Handle::from_live_bits(state.bits() ^ self.key))
    }

    #[inline]
    fn take_quota(&self) -> bool {
        let Some(quota) = &self.quota else {
            return true;
        };
        // edge: none. A count that is never passed; nothing else follows from it.
        let less = |left: usize| left.checked_sub(1);
        quota
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .is_ok()
    }

    #[inline]
    fn release_quota(&self) {
        if let Some(quota) = &self.quota {
            // edge: none. As above.
            quota.fetch_add(1, Ordering::Relaxed);
        }
    }

    // Value.

    /// The word and the slot that `handle` would be if it were valid.
    #[inline]
    pub(crate) fn find(&self, handle: Handle) -> Result<(LiveWord, &Slot<T>), HandleError> {
        let word = LiveWord::checked(handle.into_raw() ^ self.key).ok_or(HandleError::Unknown)?;
        let shard = word.index().shard(self.bits);
        // SAFETY: a shard number has `self.bits` bits, and there are `1 << self.bits` shards.
        let shard = unsafe { self.shards.get_unchecked(shard) };
        let slot = shard.find(word.index()).ok_or(HandleError::Unknown)?;
        Ok((word, slot))
    }

    /// The value of `handle`, readable while `guard` lives.
    #[inline]
    pub(crate) fn get<'g>(
        &'g self,
        handle: Handle,
        guard: &'g Guard,
    ) -> Result<&'g T, HandleError> {
        let (word, slot) = self.find(handle)?;
        slot.read(word, guard)
            .map_err(|state| refusal(handle, word, state))
    }

    /// Whether `handle` is valid.
    #[inline]
    pub(crate) fn contains(&self, handle: Handle) -> bool {
        self.find(handle)
            .is_ok_and(|(word, slot)| slot.state() == word.word())
    }

    // Delete.

    /// Makes `handle` invalid; its value is dropped with its batch, after a grace period.
    #[inline]
    pub(crate) fn delete(&self, handle: Handle) -> Result<&Slot<T>, HandleError> {
        let (word, slot) = self.find(handle)?;
        let seat = self.seat();
        let waiting = if seat.owned {
            // SAFETY: the calling thread holds the lease.
            unsafe { seat.shard.delete_owned(slot, word) }
        } else {
            seat.shard.delete_shared(slot, word)
        }
        .map_err(|state| refusal(handle, word, state))?;
        seat.shard.count_deleted(seat.owned);
        self.release_quota();
        if waiting >= Shard::<T>::BATCH {
            self.retire(&seat);
        }
        Ok(slot)
    }

    /// Seals the seat's batch, and drops the values of earlier ones that are ready.
    #[cold]
    fn retire(&self, seat: &Seat<'_, T>) {
        self.seal(seat);
        self.reclaim(seat.shard.number());
    }

    /// Sends the deleted slots that wait at this seat into their grace period.
    pub(crate) fn seal(&self, seat: &Seat<'_, T>) {
        let first = if seat.owned {
            // SAFETY: the calling thread holds the lease.
            unsafe { seat.shard.take_limbo_owned() }
        } else {
            seat.shard.take_limbo_shared()
        };
        if let Some(first) = first {
            ReadyLists::retire(&self.ready, seat.shard.number(), first);
        }
    }

    /// Drops the values of all batches that are ready for this shard, unless a walker is at work
    /// or this thread is inside such a drop already: they are then left for the next time.
    pub(crate) fn reclaim(&self, shard: usize) {
        let shard = &self.shards[shard];
        if is_dropping() || !self.ready.any(shard.number()) || !shard.enter(&self.walkers) {
            return;
        }
        let seat = self.seat();
        while_dropping(|| {
            for batch in self.ready.take(shard.number()) {
                self.drop_batch(&seat, batch.first());
            }
        });
        shard.leave();
    }

    /// Drops the values of a batch whose grace period is over, and returns its slots. Slot by
    /// slot, unlinked before user code runs, and with nothing borrowed meanwhile.
    fn drop_batch(&self, seat: &Seat<'_, T>, first: Index) {
        let mut next = Some(first);
        while let Some(index) = next {
            let Some(slot) = self.shards[index.shard(self.bits)].find(index) else {
                unreachable!("a slot in a batch was used, so its segment is there");
            };
            let state = slot.own_state();
            next = state.link().next();
            // SAFETY: the batch is ours, and `enter` keeps walkers away.
            let node = unsafe { slot.take() };
            self.vacate(seat, slot, index, state.generation());
            if let Some(node) = node {
                // SAFETY: the grace period is over, and the slot has forgotten the node.
                unsafe { self.drop_node(seat, node) };
            }
        }
    }

    /// Returns a slot that the caller owns to its shard.
    fn vacate(&self, seat: &Seat<'_, T>, slot: &Slot<T>, index: Index, generation: usize) {
        let home = &self.shards[index.shard(self.bits)];
        if seat.owned && home.number() == seat.shard.number() {
            // SAFETY: the calling thread holds the lease of its seat, which is this shard's.
            unsafe { home.vacate_owned(slot, index, generation) }
        } else {
            home.vacate_shared(slot, index, generation);
        }
    }

    /// Drops the value in `node`, containing a panic of its drop, and frees the node.
    ///
    /// # Safety
    ///
    /// The node holds a value and is the caller's alone.
    pub(crate) unsafe fn drop_node(&self, seat: &Seat<'_, T>, node: NonNull<Node<T>>) {
        if std::mem::needs_drop::<T>() {
            // SAFETY: the caller's duty.
            let drop_value = || unsafe { Node::drop_value(node) };
            if cfg!(loom) {
                // loom reports what it finds by panicking.
                drop_value();
            } else if let Err(payload) = catch_unwind(AssertUnwindSafe(drop_value)) {
                // The panic hook has reported it. The payload may panic in its own drop.
                std::mem::forget(payload);
                // edge: none. A count.
                self.drop_panics.fetch_add(1, Ordering::Relaxed);
            }
        }
        if seat.owned {
            // SAFETY: the calling thread holds the lease; the node is empty and the caller's.
            unsafe { seat.shard.put_node(node) }
        } else {
            // SAFETY: the node is empty and the caller's.
            unsafe { Node::free(node) }
        }
    }

    /// Values whose drop panicked so far.
    pub(crate) fn drop_panics(&self) -> usize {
        // edge: none. A count.
        self.drop_panics.load(Ordering::Relaxed)
    }
}

/// Why `word` is not valid, from the state that its slot has instead.
#[cold]
pub(crate) fn refusal(handle: Handle, word: LiveWord, state: Word) -> HandleError {
    let issued = match state.phase() {
        Phase::Live | Phase::Limbo => word.word().generation() <= state.generation(),
        Phase::Vacant => word.word().generation() < state.generation(),
        Phase::Retired => true,
    };
    // Two more ways not to be a handle: the second of the fixed bits set, and a live slot's own
    // generation with that bit.
    if issued && word.word().phase() == Phase::Live {
        HandleError::Deleted {
            raw: handle.into_raw(),
        }
    } else {
        HandleError::Unknown
    }
}

/// A key that differs from table to table and from run to run.
#[cfg(not(loom))]
fn new_key() -> usize {
    use std::hash::{BuildHasher, Hasher, RandomState};

    // Each `RandomState` has keys of its own, from the operating system's randomness.
    RandomState::new().build_hasher().finish() as usize & KEY_MASK
}

/// loom replays executions, which must not differ by chance.
#[cfg(loom)]
fn new_key() -> usize {
    usize::MAX / 3 & KEY_MASK
}
