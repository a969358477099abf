//! The end of a delete: deleted slots go into their grace period in batches, and come back to have
//! their values dropped and be used again.

use std::{
    mem,
    panic::{catch_unwind, AssertUnwindSafe},
    ptr,
};

use super::body::{Inner, ShardAccess};
use crate::{
    config::{batch_limit, ADVANCE_AT_BATCHES, YIELD_ABOVE_BATCHES},
    epoch::{is_dropping, while_dropping, Ticket},
    reclaim::Batch,
    shard::{Chain, Shard},
    slots::{AtomicState, Index, Phase, Slot, SlotLayout, State},
    sync::{yield_now, Ordering},
};

impl<'c, T> ShardAccess<'c, T> {
    fn shard(&self) -> &'c Shard<T> {
        match self {
            Self::Own(owner) => owner.shard(),
            Self::Shared(shard) => shard,
        }
    }
}

impl<T> Inner<T> {
    /// Seals the calling thread's batch, and drops the values of earlier ones once there are enough of them.
    #[cold]
    #[inline(never)]
    pub(crate) fn retire(&self) {
        let access = &self.access();
        let (shard, newest) = (access.shard(), self.seal(access));
        let wait = |batches| shard.sealed().waiting() >= batches * batch_limit::<T>();
        let reclaim_some = || {
            if shard.sealed().clock_has_moved() {
                self.reclaim(shard, YIELD_ABOVE_BATCHES);
            }
        };
        if is_dropping() || !wait(ADVANCE_AT_BATCHES) {
            return;
        }
        // Grace periods are for all: perhaps others have seen to one, or do so now.
        reclaim_some();
        if wait(ADVANCE_AT_BATCHES) {
            newest.try_advance_exclusive();
            reclaim_some();
        }
        // Someone is pinned and does not run. Garbage must not grow faster than the processor is shared out.
        if wait(YIELD_ABOVE_BATCHES + 1) {
            yield_now();
            newest.try_advance();
            reclaim_some();
        }
    }

    /// Seals the batch of deleted slots that wait at this seat; says for which grace period, also if there are none.
    pub(crate) fn seal(&self, access: &ShardAccess<'_, T>) -> Ticket {
        let run = match access {
            ShardAccess::Own(owner) => owner.take_limbo(),
            ShardAccess::Shared(shard) => shard.take_limbo(),
        };
        let ticket = Ticket::take();
        if let Some(run) = run {
            access.shard().sealed().add(Batch::new(run, ticket));
        }
        ticket
    }

    /// Drops the values of this shard's batches whose grace period is over, of `most` at the most, unless a walker is
    /// at work or this thread is inside such a drop already: they are then left for the next time.
    pub(crate) fn reclaim(&self, shard: &Shard<T>, most: usize) {
        if is_dropping() || shard.sealed().waiting() == 0 || !shard.enter(&self.sweep_lock) {
            return;
        }
        let _leave = OnDrop(|| shard.leave());
        let access = self.access();
        while_dropping(|| {
            for batch in shard.sealed().take(most) {
                let first = batch.run().first;
                match &access {
                    ShardAccess::Own(owner)
                        if batch.run().reusable_in_place && ptr::eq(owner.shard(), shard) =>
                    {
                        if !SlotLayout::<T>::TRIVIAL {
                            self.drop_batch(first, |slot, _, state| {
                                slot.state().vacate_in_place(state)
                            });
                        }
                        owner.adopt_batch(batch);
                    }
                    access => {
                        let mut returns = RemoteFrees::new(self, access);
                        self.drop_batch(first, |slot, index, state| {
                            returns.add(slot.state(), index, state.vacated().generation());
                        });
                    }
                }
            }
        });
    }

    /// Drops the values of a batch whose grace period is over, with nothing borrowed while user code
    /// runs. Calls `leave` with each slot, its index and state, limbo or hollow, when it has no value.
    fn drop_batch<'c>(&'c self, first: Index, mut leave: impl FnMut(Slot<'c, T>, Index, State)) {
        let mut next = Some(first);
        let mut slots = self.segments.cursor();
        // Goes round once, and once more after each drop that panics.
        while next.is_some() {
            self.catch_drop_panic(|| {
                while let Some(index) = next {
                    // SAFETY: it is in a batch since it was used, and came here by that.
                    let slot = unsafe { slots.known(index) };
                    let state = slot.state().load_own();
                    next = state.link().next();
                    // Also if the drop panics.
                    let _leave = OnDrop(|| leave(slot, index, state));
                    if state.phase() == Phase::Limbo {
                        // SAFETY: the grace period is over, the batch is ours, and `enter` keeps
                        // walkers away.
                        unsafe { slot.drop_value() };
                    }
                }
            });
        }
    }

    /// Returns a slot that the caller owns to its shard, to be issued with `generation` next.
    pub(crate) fn vacate(&self, state: &AtomicState, index: Index, generation: usize) {
        if let Some(chain) = Chain::new(state, index, generation) {
            self.home(index).free_chain(&chain);
        }
    }

    /// Calls `drop_it`, and lets no panic out.
    pub(crate) fn catch_drop_panic(&self, drop_it: impl FnOnce()) {
        if cfg!(loom) {
            // loom reports what it finds by panicking.
            drop_it();
        } else if let Err(payload) = catch_unwind(AssertUnwindSafe(drop_it)) {
            // The panic hook has reported it. What was thrown may panic in its own drop, too.
            if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
                mem::forget(again);
            }
            // edge: none. A count.
            self.drop_panics.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Slots on their way back to their shards, where they come in the end, when this is dropped. Until
/// then no one can have them: a `Drop` that inserts into a table without any space left is refused.
struct RemoteFrees<'c, T> {
    inner: &'c Inner<T>,
    /// Those of the seat's shard.
    near: PendingChain<'c, T>,
    /// Those of another: a run of them goes together.
    far: Option<PendingChain<'c, T>>,
}

impl<'c, T> RemoteFrees<'c, T> {
    fn new(inner: &'c Inner<T>, access: &ShardAccess<'c, T>) -> Self {
        Self {
            inner,
            near: PendingChain::new(access.shard()),
            far: None,
        }
    }

    /// Returns a slot that the caller owns, to be issued with `generation` next.
    fn add(&mut self, state: &'c AtomicState, index: Index, generation: usize) {
        let home = self.inner.home(index);
        if ptr::eq(home, self.near.home) {
            return self.near.add(state, index, generation);
        }
        if !matches!(&self.far, Some(far) if ptr::eq(home, far.home)) {
            self.far = None;
        }
        let far = self.far.get_or_insert_with(|| PendingChain::new(home));
        far.add(state, index, generation);
    }
}

/// A chain of slots, and the shard where it goes when this is dropped.
struct PendingChain<'c, T> {
    home: &'c Shard<T>,
    chain: Option<Chain<'c>>,
}

impl<'c, T> PendingChain<'c, T> {
    fn new(home: &'c Shard<T>) -> Self {
        Self { home, chain: None }
    }

    fn add(&mut self, state: &'c AtomicState, index: Index, generation: usize) {
        match &mut self.chain {
            Some(chain) => chain.add(state, index, generation),
            None => self.chain = Chain::new(state, index, generation),
        }
    }
}

impl<T> Drop for PendingChain<'_, T> {
    fn drop(&mut self) {
        if let Some(chain) = &self.chain {
            self.home.free_chain(chain);
        }
    }
}

/// Calls its closure at the end of a scope, however that comes.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    #[inline]
    fn drop(&mut self) {
        (self.0)();
    }
}
