//! Deleted slots with trivial values: collected in a batch, which is sealed with a ticket when it
//! is full. Once the ticket is over, the slots are freed.

use std::ptr;

use super::{
    body::{Inner, ShardAccess},
    remote_frees::RemoteFrees,
};
use crate::{
    config::{batch_limit, ADVANCE_AT_BATCHES, RECLAIM_BATCHES, YIELD_ABOVE_BATCHES},
    epoch::Ticket,
    reclaim::{Batch, BatchList},
    shard::Shard,
    slots::{AtomicState, LiveState},
    sync::yield_now,
};

impl<T> Inner<T> {
    /// Deletes the handle of `live`, if it is valid, and collects its slot.
    #[inline(always)]
    pub(super) fn delete_trivial(&self, state: &AtomicState, live: LiveState) -> Option<()> {
        match self.owner_fast() {
            Some(owner) => {
                let is_full = owner.delete(state, live)?;
                if is_full {
                    self.on_batch_full(&ShardAccess::Owner(owner));
                }
                Some(())
            }
            None => self.delete_trivial_slow(state, live),
        }
    }

    #[cold]
    #[inline(never)]
    fn delete_trivial_slow(&self, state: &AtomicState, live: LiveState) -> Option<()> {
        let access = self.access();
        let is_full = match &access {
            ShardAccess::Owner(owner) => owner.delete(state, live)?,
            ShardAccess::Shared(shard) => {
                let is_full = shard.delete(state, live, batch_limit::<T>())?;
                shard.count_deleted();
                is_full
            }
        };
        self.return_quota();
        if is_full {
            self.on_batch_full(&access);
        }
        Some(())
    }

    /// Seals the calling thread's batch, and reclaims earlier ones once there are enough of them.
    #[cold]
    #[inline(never)]
    fn on_batch_full(&self, access: &ShardAccess<'_, T>) {
        let newest = self.seal(access);
        let sealed = access.shard().sealed();
        let are_waiting = |batches| sealed.waiting() >= batches * batch_limit::<T>();
        let reclaim_some = || self.reclaim(access, access.shard(), RECLAIM_BATCHES);
        if !are_waiting(ADVANCE_AT_BATCHES) {
            return;
        }
        // Grace periods serve all threads: perhaps another thread has ended one already.
        reclaim_some();
        if are_waiting(ADVANCE_AT_BATCHES) {
            newest.try_advance();
            reclaim_some();
        }
        if are_waiting(YIELD_ABOVE_BATCHES + 1) {
            // Perhaps a pinned thread was preempted. Without a yield, deleted values could pile up
            // until it runs again.
            yield_now();
            newest.try_advance();
            reclaim_some();
        }
    }

    /// Seals the batch that the calling thread has collected so far, unless it is empty. Returns a
    /// ticket for all that the thread has deleted.
    pub(super) fn seal(&self, access: &ShardAccess<'_, T>) -> Ticket {
        let slots = match access {
            ShardAccess::Owner(owner) => owner.take_limbo(),
            ShardAccess::Shared(shard) => shard.take_limbo(),
        };
        let ticket = Ticket::take();
        if let Some(slots) = slots {
            access.shard().sealed().add(Batch::new(slots, ticket));
        }
        ticket
    }

    /// Seals what the calling thread has collected so far, and what threads without a shard have,
    /// which may never come again. Returns a ticket for all of it.
    pub(super) fn seal_all(&self) -> Ticket {
        self.seal(&ShardAccess::Shared(&self.shards[0]));
        self.seal(&self.access())
    }

    /// Takes at most `most` of a shard's batches whose grace period is over, and frees their slots.
    /// Returns how many slots those are.
    pub(super) fn reclaim(
        &self,
        access: &ShardAccess<'_, T>,
        shard: &Shard<T>,
        most: usize,
    ) -> usize {
        if shard.sealed().waiting() == 0 {
            return 0;
        }
        // Freed at the end.
        let (mut freed, mut boxes) = (0, BatchList::new());
        shard.vacant().while_taking(|| {
            for batch in shard.sealed().take(most) {
                freed += batch.slots().len;
                match access {
                    ShardAccess::Owner(owner)
                        if batch.slots().reusable_in_place && ptr::eq(owner.shard(), shard) =>
                    {
                        owner.adopt(batch);
                    }
                    access => {
                        self.free_batch(&batch, access);
                        boxes.push(batch);
                    }
                }
            }
        });
        freed
    }

    /// Reclaims what can be reclaimed in all shards. Returns how many slots that were.
    pub(super) fn reclaim_all(&self) -> usize {
        let access = self.access();
        self.shards.iter().map(|shard| self.reclaim(&access, shard, usize::MAX)).sum()
    }

    /// Frees the slots of a batch, each to the shard that it belongs to.
    fn free_batch<'t>(&'t self, batch: &Batch, access: &ShardAccess<'t, T>) {
        let mut frees = RemoteFrees::new(self, access);
        let mut slots = self.slots.directory().cursor();
        let mut next = Some(batch.slots().first);
        while let Some(index) = next {
            // SAFETY: the slot was used before, and reached this thread through its batch.
            let slot = unsafe { slots.known(index) };
            let state = slot.state().load_own();
            next = state.link().next();
            frees.add(slot.state(), index, state.vacated().generation());
        }
    }
}
