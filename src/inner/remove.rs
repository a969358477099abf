//! The end of a delete: deleted slots go into their grace period in batches, and come back to have
//! their values dropped and be used again.

use std::{
    mem,
    panic::{catch_unwind, AssertUnwindSafe},
    ptr,
};

use super::body::{Core, Seat};
use crate::{
    config::{batch_limit, AHEAD, BACKLOG},
    epoch::{is_dropping, while_dropping, Ticket},
    reclaim::Batch,
    shard::{Chain, Shard},
    slots::{Index, Phase, Slot, Stride, Word},
    sync::{yield_now, Ordering},
};

impl<'c, T> Seat<'c, T> {
    fn shard(&self) -> &'c Shard<T> {
        match self {
            Self::Own(owner) => owner.shard(),
            Self::Shared(shard) => shard,
        }
    }
}

impl<T> Core<T> {
    /// Seals the calling thread's batch, and drops the values of earlier ones once there are enough of them.
    #[cold]
    #[inline(never)]
    pub(crate) fn retire(&self) {
        let seat = &self.seat();
        let (shard, newest) = (seat.shard(), self.seal(seat));
        let wait = |batches| shard.sealed().waiting() >= batches * batch_limit::<T>();
        let reclaim_some = || {
            if shard.sealed().may_be_over() {
                self.reclaim(shard, BACKLOG);
            }
        };
        if is_dropping() || !wait(AHEAD) {
            return;
        }
        // Grace periods are for all: perhaps others have seen to one, or do so now.
        reclaim_some();
        if wait(AHEAD) {
            newest.help_alone();
            reclaim_some();
        }
        // Someone is pinned and does not run. Garbage must not grow faster than the processor is shared out.
        if wait(BACKLOG + 1) {
            yield_now();
            newest.help_in_passing();
            reclaim_some();
        }
    }

    /// Seals the batch of deleted slots that wait at this seat; says for which grace period, also if there are none.
    pub(crate) fn seal(&self, seat: &Seat<'_, T>) -> Ticket {
        let run = match seat {
            Seat::Own(owner) => owner.take_limbo(),
            Seat::Shared(shard) => shard.take_limbo(),
        };
        let ticket = Ticket::take();
        if let Some(run) = run {
            seat.shard().sealed().add(Batch::new(run, ticket));
        }
        ticket
    }

    /// Drops the values of this shard's batches whose grace period is over, of `most` at the most, unless a walker is
    /// at work or this thread is inside such a drop already: they are then left for the next time.
    pub(crate) fn reclaim(&self, shard: &Shard<T>, most: usize) {
        if is_dropping() || shard.sealed().waiting() == 0 || !shard.enter(&self.walkers) {
            return;
        }
        let _leave = Finally(|| shard.leave());
        let seat = self.seat();
        while_dropping(|| {
            for batch in shard.sealed().take(most) {
                let first = batch.run().first;
                match &seat {
                    Seat::Own(owner) if batch.run().is_whole && ptr::eq(owner.shard(), shard) => {
                        if !Stride::<T>::PLAIN {
                            self.drop_batch(first, |slot, _, state| slot.leave_hollow(state));
                        }
                        owner.keep(batch);
                    }
                    seat => {
                        let mut returns = Returns::new(self, seat);
                        self.drop_batch(first, |slot, index, state| {
                            returns.add(slot, index, state.vacated().generation());
                        });
                    }
                }
            }
        });
    }

    /// Drops the values of a batch whose grace period is over, with nothing borrowed while user code
    /// runs. Calls `leave` with each slot, its index and state, limbo or hollow, when it has no value.
    fn drop_batch<'c>(&'c self, first: Index, mut leave: impl FnMut(&'c Slot, Index, Word)) {
        let mut next = Some(first);
        let mut slots = self.segments.finder();
        // Goes round once, and once more after each drop that panics.
        while next.is_some() {
            self.contain(|| {
                while let Some(index) = next {
                    // SAFETY: it is in a batch since it was used, and came here by that.
                    let room = unsafe { slots.known(index) };
                    let (slot, state) = (room.slot(), room.slot().own_state());
                    next = state.link().next();
                    // Also if the drop panics.
                    let _leave = Finally(|| leave(slot, index, state));
                    if state.phase() == Phase::Limbo {
                        // SAFETY: the grace period is over, the batch is ours, and `enter` keeps
                        // walkers away.
                        unsafe { room.drop_value() };
                    }
                }
            });
        }
    }

    /// Returns a slot that the caller owns to its shard, to be issued with `generation` next.
    pub(crate) fn vacate(&self, slot: &Slot, index: Index, generation: usize) {
        if let Some(chain) = Chain::new(slot, index, generation) {
            self.home(index).take_back(&chain);
        }
    }

    /// Calls `drop_it`, and lets no panic out.
    pub(crate) fn contain(&self, drop_it: impl FnOnce()) {
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
struct Returns<'c, T> {
    core: &'c Core<T>,
    /// Those of the seat's shard.
    near: Way<'c, T>,
    /// Those of another: a run of them goes together.
    far: Option<Way<'c, T>>,
}

impl<'c, T> Returns<'c, T> {
    fn new(core: &'c Core<T>, seat: &Seat<'c, T>) -> Self {
        Self {
            core,
            near: Way::new(seat.shard()),
            far: None,
        }
    }

    /// Returns a slot that the caller owns, to be issued with `generation` next.
    fn add(&mut self, slot: &'c Slot, index: Index, generation: usize) {
        let home = self.core.home(index);
        if ptr::eq(home, self.near.home) {
            return self.near.add(slot, index, generation);
        }
        if !matches!(&self.far, Some(far) if ptr::eq(home, far.home)) {
            self.far = None;
        }
        let far = self.far.get_or_insert_with(|| Way::new(home));
        far.add(slot, index, generation);
    }
}

/// A chain of slots, and the shard where it goes when this is dropped.
struct Way<'c, T> {
    home: &'c Shard<T>,
    chain: Option<Chain<'c>>,
}

impl<'c, T> Way<'c, T> {
    fn new(home: &'c Shard<T>) -> Self {
        Self { home, chain: None }
    }

    fn add(&mut self, slot: &'c Slot, index: Index, generation: usize) {
        match &mut self.chain {
            Some(chain) => chain.add(slot, index, generation),
            None => self.chain = Chain::new(slot, index, generation),
        }
    }
}

impl<T> Drop for Way<'_, T> {
    fn drop(&mut self) {
        if let Some(chain) = &self.chain {
            self.home.take_back(chain);
        }
    }
}

/// Calls its closure at the end of a scope, however that comes.
struct Finally<F: FnMut()>(F);

impl<F: FnMut()> Drop for Finally<F> {
    #[inline]
    fn drop(&mut self) {
        (self.0)();
    }
}
