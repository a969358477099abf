//! **Delete**: unlink the state, and collect the slot in a batch. A full batch is sealed with a
//! ticket. Once the ticket is over, the batch is reclaimed: its values are dropped, and its slots
//! freed.

use std::ptr;

use super::{
    body::{Inner, ShardAccess},
    remote_frees::RemoteFrees,
};
use crate::{
    config::{batch_limit, ADVANCE_AT_BATCHES, RECLAIM_BATCHES, YIELD_ABOVE_BATCHES},
    epoch::{is_dropping, while_dropping, Ticket},
    handle::Handle,
    reclaim::{Batch, InBatch},
    shard::Shard,
    slots::{AtomicState, Index, LiveState, Phase, Slot, SlotLayout, State},
    sync::{yield_now, OnDrop},
};

/// A slot that was deleted or seen in limbo, with the generation that was deleted.
pub(crate) type Deleted<'t, T> = (Slot<'t, T>, usize);

impl<T> Inner<T> {
    /// Deletes `handle`, if it is valid. Drops values of earlier deletes when a batch is full.
    #[inline(always)]
    pub(crate) fn delete(&self, handle: Handle) -> Option<Deleted<'_, T>> {
        let found = self.lookup().find(handle)?;
        let (slot, live) = (found.slot(), found.live());
        match self.owner_fast() {
            Some(owner) => {
                let is_full = owner.delete(slot.state(), live)?;
                if is_full {
                    self.on_batch_full(&ShardAccess::Owner(owner));
                }
            }
            None => self.delete_slow(slot.state(), live)?,
        }
        Some((slot, live.state().generation()))
    }

    #[cold]
    #[inline(never)]
    fn delete_slow(&self, state: &AtomicState, live: LiveState) -> Option<()> {
        let access = self.access();
        let is_full = match &access {
            ShardAccess::Owner(owner) => owner.delete(state, live),
            ShardAccess::Shared(shard) => shard.delete(state, live),
        }?;
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
        let reclaim_some = || {
            if sealed.clock_has_moved() {
                self.reclaim(access, access.shard(), RECLAIM_BATCHES);
            }
        };
        if is_dropping() || !are_waiting(ADVANCE_AT_BATCHES) {
            return;
        }
        // Grace periods serve all threads: perhaps another thread has advanced the epoch already.
        reclaim_some();
        if are_waiting(ADVANCE_AT_BATCHES) {
            newest.try_advance_exclusive();
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

    /// Takes at most `most` of a shard's batches whose grace period is over, drops their values,
    /// and frees their slots. Leaves them for later if a sweep holds the lock, or if this thread is
    /// inside a value's drop.
    pub(super) fn reclaim(&self, access: &ShardAccess<'_, T>, shard: &Shard<T>, most: usize) {
        if is_dropping() || shard.sealed().waiting() == 0 {
            return;
        }
        let Some(inside) = self.sweep_lock.enter_batch(shard.droppers()) else {
            return;
        };
        while_dropping(|| {
            for batch in shard.sealed().take(most) {
                match access {
                    ShardAccess::Owner(owner)
                        if batch.slots().reusable_in_place && ptr::eq(owner.shard(), shard) =>
                    {
                        self.vacate_batch(&batch, &inside);
                        owner.adopt_batch(batch);
                    }
                    access => self.free_batch(&batch, &inside, access),
                }
            }
        });
    }

    /// Drops the values of a batch, and vacates its slots in place; leaves trivial values and their
    /// slots as they are.
    fn vacate_batch(&self, batch: &Batch, inside: &InBatch<'_>) {
        if !SlotLayout::<T>::TRIVIAL {
            let vacate = |slot: Slot<'_, T>, _, state| slot.state().vacate_in_place(state);
            self.drop_values(batch.slots().first, inside, vacate);
        }
    }

    /// Drops the values of a batch, and frees its slots, each to the shard that it belongs to.
    fn free_batch<'t>(&'t self, batch: &Batch, inside: &InBatch<'_>, access: &ShardAccess<'t, T>) {
        let mut frees = RemoteFrees::new(self, access);
        self.drop_values(batch.slots().first, inside, |slot, index, state| {
            frees.add(slot.state(), index, state.vacated().generation());
        });
    }

    /// Drops the values of a batch whose grace period is over. Borrows nothing while user code
    /// runs. Calls `then` with each slot, its index and its state, when the slot has no value
    /// any more: the state is limbo or, if a sweep was there before, vacant.
    fn drop_values<'t>(
        &'t self,
        first: Index,
        _inside: &InBatch<'_>,
        mut then: impl FnMut(Slot<'t, T>, Index, State),
    ) {
        let mut next = Some(first);
        let mut slots = self.slots.directory().cursor();
        // Runs once, and once more after each drop that panics.
        while next.is_some() {
            self.catch_drop_panic(|| {
                while let Some(index) = next {
                    // SAFETY: the slot was used before, and reached this thread through its batch.
                    let slot = unsafe { slots.known(index) };
                    let state = slot.state().load_own();
                    next = state.link().next();
                    // Runs even if the drop panics.
                    let _then = OnDrop(|| then(slot, index, state));
                    if state.phase() == Phase::Limbo {
                        // SAFETY: the grace period is over, the batch is this thread's, and
                        // `_inside` keeps sweeps away.
                        unsafe { slot.drop_value() };
                    }
                }
            });
        }
    }
}
