//! The body of a table that has been used: its shards, and the three verbs over them.

use crossbeam_utils::CachePadded;

use super::lookup::Lookup;
use crate::{
    config::KEY_MASK,
    epoch,
    error::Full,
    handle::Handle,
    reclaim::SweepLock,
    shard::{Claim, Owner, Shard},
    slots::{AtomicState, Index, LiveState, Slot, SlotArray, State},
    sync::{AtomicUsize, Ordering},
};

/// Everything behind a table's pointer to it.
pub(crate) struct Inner<T> {
    /// Exclusive-ored into every handle, so that those of other tables are unknown here.
    key: usize,
    /// Written on the slow paths only, read by every verb.
    pub(crate) segments: SlotArray<T>,
    pub(crate) shards: Box<[Shard<T>]>,
    /// How many of them their owners may use in the usual way: all, or none if there is a quota.
    fast_shards: usize,
    /// Handles that may still be issued, for a table that was built with a limit.
    quota: Option<CachePadded<AtomicUsize>>,
    pub(crate) sweep_lock: CachePadded<SweepLock>,
    /// Values whose drop panicked.
    pub(crate) drop_panics: AtomicUsize,
}

/// Where the calling thread works: in the shard that it owns or, if it owns none, in shard 0,
/// which nobody owns. Good until the thread's locals are destroyed, which can't be in mid-call.
pub(crate) enum ShardAccess<'c, T> {
    Own(Owner<'c, T>),
    Shared(&'c Shard<T>),
}

impl<T> Inner<T> {
    pub(crate) fn new(shards: usize, max_handles: usize) -> Self {
        let limited = max_handles != usize::MAX;
        let segments = SlotArray::new(shards);
        let layout = segments.layout();
        Self {
            key: new_key(),
            segments,
            shards: (0..shards)
                .map(|number| Shard::new(number, layout))
                .collect(),
            fast_shards: if limited { 0 } else { shards },
            quota: limited.then(|| CachePadded::new(AtomicUsize::new(max_handles))),
            sweep_lock: CachePadded::new(SweepLock::new()),
            drop_panics: AtomicUsize::new(0),
        }
    }

    pub(crate) fn access(&self) -> ShardAccess<'_, T> {
        match self.shards.get(epoch::own_shard()) {
            // SAFETY: the thread's lease is that of this shard number, in every table.
            Some(shard) => ShardAccess::Own(unsafe { Owner::new(shard, &self.segments) }),
            None => ShardAccess::Shared(&self.shards[0]),
        }
    }

    /// The calling thread's own shard, on the way that nearly all calls take: it owns one and has
    /// used some table before, and handles of this one are not limited. Else `seat` finds out.
    #[inline]
    fn owner_fast(&self) -> Option<Owner<'_, T>> {
        let number = epoch::own_shard_fast();
        // SAFETY: less than the number of shards; and as in `seat`.
        (number < self.fast_shards).then(|| unsafe {
            let shard = self.shards.get_unchecked(number);
            Owner::new(shard, &self.segments)
        })
    }

    // New.

    /// A vacant slot, on the way that nearly all inserts take: for
    /// [`publish_usually`](Self::publish_usually). Without one, [`insert_slowly`](Self::insert_slowly).
    #[inline(always)]
    pub(crate) fn claim_fast(&self) -> Option<(Owner<'_, T>, Claim<'_, T>)> {
        let owner = self.owner_fast()?;
        let claim = owner.claim_free()?;
        Some((owner, claim))
    }

    #[inline(always)]
    pub(crate) fn publish_fast(
        &self,
        (owner, claim): (Owner<'_, T>, Claim<'_, T>),
        value: T,
    ) -> Handle {
        let word = claim.publish(value);
        owner.count_issued();
        self.handle(word)
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn insert_slow(&self, value: T) -> Result<Handle, Full<T>> {
        let access = self.access();
        match self.claim(&access) {
            Some(claim) => Ok(self.publish(&access, claim, value)),
            None => Err(Full::new(value)),
        }
    }

    /// Issues a handle for the value that `make` makes of it.
    pub(crate) fn insert_with<F: FnOnce(Handle) -> T>(&self, make: F) -> Result<Handle, Full<F>> {
        /// Gives the slot back if `make` panics. Its generation is not used again, since `make`
        /// has seen the handle.
        struct Undo<'c, T>(&'c Inner<T>, Option<Claim<'c, T>>);
        impl<T> Drop for Undo<'_, T> {
            fn drop(&mut self) {
                if let Some(claim) = self.1.take() {
                    let (state, index, generation) = claim.into_parts();
                    self.0.vacate(state, index, generation);
                    self.0.release_quota();
                }
            }
        }

        let Some(claim) = self.claim(&self.access()) else {
            return Err(Full::new(make));
        };
        let handle = self.handle(claim.word());
        let mut undo = Undo(self, Some(claim));
        let value = make(handle);
        if let Some(claim) = undo.1.take() {
            self.publish(&self.access(), claim, value);
        }
        Ok(handle)
    }

    /// A vacant slot, and the right to issue a handle: from the seat, else from any shard.
    fn claim<'c>(&'c self, access: &ShardAccess<'c, T>) -> Option<Claim<'c, T>> {
        if !self.take_quota() {
            return None;
        }
        let claim = |shard: &Shard<T>| shard.claim(&self.segments);
        let near = match access {
            ShardAccess::Own(owner) => owner.claim_free().or_else(|| owner.claim_more()),
            ShardAccess::Shared(shard) => claim(shard),
        };
        let claim = near.or_else(|| self.shards.iter().find_map(claim));
        if claim.is_none() {
            self.release_quota();
        }
        claim
    }

    fn publish(&self, access: &ShardAccess<'_, T>, claim: Claim<'_, T>, value: T) -> Handle {
        let handle = self.handle(claim.publish(value));
        match access {
            ShardAccess::Own(owner) => owner.count_issued(),
            ShardAccess::Shared(shard) => shard.count_issued(),
        }
        handle
    }

    #[inline]
    pub(crate) fn handle(&self, word: LiveState) -> Handle {
        Handle::new_live(word, self.key)
    }

    /// The handle of a slot that was seen with this state, if that is live.
    pub(crate) fn handle_of(&self, state: State) -> Option<Handle> {
        LiveState::of(state).map(|word| self.handle(word))
    }

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

    fn release_quota(&self) {
        if let Some(quota) = &self.quota {
            // edge: none. As above.
            quota.fetch_add(1, Ordering::Relaxed);
        }
    }

    // Value: the rest is in `lookup.rs`.

    #[inline]
    pub(crate) fn lookup(&self) -> Lookup<'_, T> {
        Lookup {
            key: self.key,
            directory: self.segments.directory(),
        }
    }

    // Delete.

    /// The shard that the slot with this index belongs to.
    #[inline]
    pub(crate) fn home(&self, index: Index) -> &Shard<T> {
        let number = self.segments.layout().shard(index);
        // SAFETY: a shard number is less than the number of shards.
        unsafe { self.shards.get_unchecked(number) }
    }

    /// Makes `handle` invalid, if it is valid; its value is dropped with its batch, after a grace
    /// period. Returns its slot, and the generation that has ended.
    #[inline(always)]
    pub(crate) fn delete(&self, handle: Handle) -> Option<(Slot<'_, T>, usize)> {
        let candidate = self.lookup().find(handle)?;
        let (word, state) = (candidate.word(), candidate.state());
        let is_full = match self.owner_fast() {
            Some(owner) => owner.delete(state, word)?,
            None => self.delete_slow(word, state)?,
        };
        if is_full {
            self.retire();
        }
        Some((candidate.slot(), word.word().generation()))
    }

    #[cold]
    #[inline(never)]
    fn delete_slow(&self, word: LiveState, state: &AtomicState) -> Option<bool> {
        let is_full = match self.access() {
            ShardAccess::Own(owner) => owner.delete(state, word),
            ShardAccess::Shared(shard) => shard.delete(state, word),
        }?;
        self.release_quota();
        Some(is_full)
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
    (usize::MAX / 3) & KEY_MASK
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::error::HandleError;

    fn word_of(inner: &Inner<u8>, handle: Handle) -> usize {
        handle.into_raw() ^ inner.key
    }

    fn handle_at(inner: &Inner<u8>, word: usize) -> Result<Handle, HandleError> {
        Handle::from_raw(word ^ inner.key)
    }

    /// Deletes, and says what is wrong if that can't be done.
    fn delete(inner: &Inner<u8>, handle: Handle) -> Result<(), HandleError> {
        let deleted = inner.delete(handle).map(drop);
        deleted.ok_or_else(|| inner.explain(handle))
    }

    #[test]
    fn errors_tell_deleted_from_never_issued() -> Result<(), HandleError> {
        let inner = Inner::new(4, usize::MAX);
        let Ok(handle) = inner.insert_slow(1) else {
            panic!("an empty table has room")
        };
        let next_generation = 1 << crate::config::INDEX_BITS;
        let later = handle_at(&inner, word_of(&inner, handle) + next_generation)?;
        assert!(inner.lookup().contains(handle));
        assert_eq!(delete(&inner, later), Err(HandleError::Unknown));

        assert!(delete(&inner, handle).is_ok());
        let deleted = HandleError::Deleted {
            raw: handle.into_raw(),
        };
        assert_eq!(delete(&inner, handle), Err(deleted));
        assert_eq!(delete(&inner, later), Err(HandleError::Unknown));

        // The fixed bits are part of a handle, whatever the rest says.
        for top in [0b00, 0b01, 0b11] {
            let bits = word_of(&inner, handle) & KEY_MASK | top << (usize::BITS - 2);
            let forged = handle_at(&inner, bits)?;
            assert_eq!(delete(&inner, forged), Err(HandleError::Unknown));
        }

        // Nor is a place past the end of its segment.
        for bit in 1..inner.segments.layout().place_bits() {
            let forged = handle_at(&inner, word_of(&inner, handle) ^ 1 << bit)?;
            assert_eq!(delete(&inner, forged), Err(HandleError::Unknown));
        }
        Ok(())
    }

    #[test]
    fn the_words_of_free_slots_are_not_handles() -> Result<(), HandleError> {
        let inner = Inner::new(4, usize::MAX);
        for _ in 0..40 {
            let Ok(handle) = inner.insert_slow(1) else {
                panic!("an empty table has room")
            };
            assert!(delete(&inner, handle).is_ok());
        }
        for shard in &inner.shards {
            for (_, slot) in shard.slots(&inner.segments, 0) {
                if let Ok(forged) = handle_at(&inner, slot.state().load().bits()) {
                    assert_eq!(delete(&inner, forged), Err(HandleError::Unknown));
                }
            }
        }
        Ok(())
    }

    #[test]
    fn keys_differ() {
        assert_ne!(Inner::<u8>::new(1, 1).key, Inner::<u8>::new(1, 1).key);
    }
}
