//! **New**: claim a vacant slot, write the value, publish the state.
//! `reservation.rs` has the slots whose handles are known before their values.

use super::{
    body::{Inner, ShardAccess},
    reservation::Reservation,
};
use crate::{
    error::FullError,
    handle::RawHandle,
    reclaim::{Batch, SlotList},
    shard::{Claim, Owner, Shard, VacantSlots},
    slots::SlotLayout,
};

impl<T> Inner<T> {
    /// Issues a handle for the value that `make` returns. A closure, so that the value is written
    /// straight into the slot: a copy on the way would cost more than all the rest. `make` must not
    /// panic, or the claimed slot is lost.
    #[inline(always)]
    pub(crate) fn insert(&self, make: impl FnOnce() -> T) -> Result<RawHandle, FullError<T>> {
        match self.owner_fast().and_then(|owner| owner.claim_free()) {
            Some(claim) => Ok(self.handle(claim.publish(make()))),
            None => self.insert_slow(make()),
        }
    }

    #[cold]
    #[inline(never)]
    fn insert_slow(&self, value: T) -> Result<RawHandle, FullError<T>> {
        match self.claim_patiently() {
            Some(claim) => Ok(self.handle(claim.publish(value))),
            None => Err(FullError::new(value)),
        }
    }

    /// Issues a handle whose value is still to come; `None` if there is none left.
    pub(crate) fn reserve(&self) -> Option<Reservation<'_, T>> {
        let claim = self.claim_patiently()?;
        Some(Reservation::new(self, claim.reserve()))
    }

    /// Claims a vacant slot. If there is none, tries once more behind a flush, or behind the return
    /// of slots that this thread has kept: deleted slots may wait only for that.
    fn claim_patiently(&self) -> Option<Claim<'_, T>> {
        self.claim().or_else(|| {
            // No flush helps, unless it drops values whose drop deletes others.
            if SlotLayout::<T>::TRIVIAL && self.is_at_limit() {
                return None;
            }
            if self.have_readers() {
                self.flush();
            } else {
                self.return_away();
            }
            self.claim_beside_others()
        })
    }

    /// Claims a vacant slot, and tries again while others have vacant slots in their hands, to put
    /// most of them back.
    fn claim_beside_others(&self) -> Option<Claim<'_, T>> {
        let count = |of: fn(&VacantSlots) -> usize| {
            self.shards.iter().map(|shard| of(shard.vacant())).fold(0, usize::wrapping_add)
        };
        let (begun, done) = (|| count(VacantSlots::begun), || count(VacantSlots::done));
        self.patience.look(begun, done, || self.claim())
    }

    /// Returns the slots of another shard that the calling thread has freed, if there are some.
    fn return_away(&self) {
        let ShardAccess::Owner(owner) = self.access() else { return };
        if let Some((home, slots)) = owner.take_away() {
            self.shards[home].vacant().push(&slots);
        }
    }

    /// Takes vacant slots of other shards, for an owner whose shard is large: otherwise threads
    /// that each need many slots for a while, one after the other, would make as many new ones
    /// each.
    fn take_returned_elsewhere(
        &self,
        owner: &Owner<'_, T>,
    ) -> Option<(SlotList, Option<Box<Batch>>)> {
        if !owner.shard().is_large() {
            return None;
        }
        self.shards.iter().find_map(|shard| shard.vacant().take(&self.slots))
    }

    /// Claims a vacant slot, with the right to issue a handle: from the thread's own shard, else
    /// from any shard.
    fn claim(&self) -> Option<Claim<'_, T>> {
        if !self.take_quota() {
            return None;
        }
        let claim_shared = |shard| Shard::claim(shard, &self.slots);
        let near = match self.access() {
            ShardAccess::Owner(owner) => owner
                .claim_free()
                .or_else(|| owner.claim_more())
                .or_else(|| {
                    let (slots, _used_up) = self.take_returned_elsewhere(&owner)?;
                    owner.claim_of(slots)
                })
                .or_else(|| owner.claim_fresh()),
            ShardAccess::Shared(shard) => claim_shared(shard),
        };
        let claim = near.or_else(|| self.shards.iter().find_map(claim_shared));
        if claim.is_none() {
            self.return_quota();
        }
        claim
    }
}
