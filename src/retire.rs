//! The end of a delete: deleted slots go into their grace period in batches, and come back to have
//! their values dropped and be used again.

use std::{
    mem,
    panic::{catch_unwind, AssertUnwindSafe},
    ptr,
};

use crate::{
    core::{Core, Seat},
    index::{Index, Shape},
    layout::{batch_limit, BACKLOG},
    lists::Chain,
    owner::Owner,
    reclaim::{yield_to_readers, ReadyLists},
    shard::Shard,
    slot::Slot,
    sync::Ordering,
    thread::{is_dropping, while_dropping},
    word::Phase,
};

impl<T> Seat<'_, T> {
    fn shard(&self) -> &Shard<T> {
        match self {
            Self::Own(owner) => owner.shard(),
            Self::Shared(shard) => shard,
        }
    }
}

impl<T> Core<T> {
    /// Seals the calling thread's batch, and drops the values of earlier ones that are ready.
    #[cold]
    #[inline(never)]
    pub(crate) fn retire(&self) {
        let seat = &self.seat();
        self.seal(seat);
        self.reclaim(seat.shard());
        // More than the epoch's usual lag: someone is pinned and does not run. Garbage must not
        // grow faster than the processor is shared out.
        if self.ready.waiting(seat.shard().number()) > BACKLOG * batch_limit::<T>() {
            yield_to_readers();
            self.reclaim(seat.shard());
        }
    }

    /// Sends the deleted slots that wait at this seat into their grace period.
    pub(crate) fn seal(&self, seat: &Seat<'_, T>) {
        let run = match seat {
            Seat::Own(owner) => owner.take_limbo(),
            Seat::Shared(shard) => shard.take_limbo(),
        };
        if let Some(run) = run {
            ReadyLists::retire(&self.ready, seat.shard().number(), run);
        }
    }

    /// Drops the values of all batches that are ready for this shard, unless a walker is at work
    /// or this thread is inside such a drop already: they are then left for the next time.
    pub(crate) fn reclaim(&self, shard: &Shard<T>) {
        if is_dropping() || !self.ready.any(shard.number()) || !shard.enter(&self.walkers) {
            return;
        }
        let _leave = Finally(|| shard.leave());
        let seat = self.seat();
        while_dropping(|| {
            for batch in self.ready.take(shard.number()) {
                match &seat {
                    Seat::Own(owner) if batch.run().is_whole && ptr::eq(owner.shard(), shard) => {
                        owner.keep(batch);
                    }
                    _ => self.drop_batch(&seat, batch.run().first),
                }
            }
        });
    }

    /// Drops the values of a batch whose grace period is over, and returns its slots, with
    /// nothing borrowed while user code runs.
    fn drop_batch(&self, seat: &Seat<'_, T>, first: Index) {
        let mut next = Some(first);
        let mut returns = Returns::new(self, seat);
        let mut slots = self.segments.finder();
        // Goes round once, and once more after each drop that panics.
        while next.is_some() {
            self.contain(|| {
                while let Some(index) = next {
                    // SAFETY: it is in a batch since it was used, and came here by that.
                    let room = unsafe { slots.known(index) };
                    let (slot, state) = (room.slot(), room.slot().own_state());
                    next = state.link().next();
                    // Else it is hollow, and has its next generation.
                    let full = state.phase() == Phase::Limbo;
                    let generation = state.generation() + usize::from(full);
                    // At the end of the turn: the value may lie in the room.
                    let _vacate = Finally(|| returns.add(slot, index, generation));
                    if full {
                        // SAFETY: the grace period is over, the batch is ours, and `enter` keeps
                        // walkers away.
                        unsafe { room.drop_value() };
                    }
                }
            });
        }
    }

    /// Returns a slot that the caller owns to its shard, to be issued with `generation` next.
    pub(crate) fn vacate(&self, seat: &Seat<'_, T>, slot: &Slot, index: Index, generation: usize) {
        Returns::new(self, seat).add(slot, index, generation);
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

/// Slots on their way back to their shards. Those of the seat's own are there at once; a run of
/// slots of another shard goes there together, in the end when this is dropped. Until then no one
/// can have them: a `Drop` that inserts into a table without any space left is refused.
struct Returns<'c, T> {
    core: &'c Core<T>,
    /// The seat, if that is a shard of the thread's own, and that shard's number.
    own: Option<(&'c Owner<'c, T>, usize)>,
    shape: Shape,
    /// Of the shard that `home` is.
    chain: Option<Chain<'c>>,
    home: &'c Shard<T>,
}

impl<'c, T> Returns<'c, T> {
    fn new(core: &'c Core<T>, seat: &'c Seat<'c, T>) -> Self {
        Self {
            core,
            own: match seat {
                Seat::Own(owner) => Some((owner, owner.shard().number())),
                Seat::Shared(_) => None,
            },
            shape: core.segments.shape(),
            chain: None,
            home: seat.shard(),
        }
    }

    /// Returns a slot that the caller owns, to be issued with `generation` next.
    #[inline]
    fn add(&mut self, slot: &'c Slot, index: Index, generation: usize) {
        match self.own {
            Some((owner, number)) if self.shape.shard(index) == number => {
                owner.vacate(slot, index, generation);
            }
            _ => self.chain(slot, index, generation),
        }
    }

    fn chain(&mut self, slot: &'c Slot, index: Index, generation: usize) {
        let home = self.core.home(index);
        if !ptr::eq(self.home, home) {
            self.push();
            self.home = home;
        }
        match &mut self.chain {
            Some(chain) => chain.add(slot, index, generation),
            None => self.chain = Chain::new(slot, index, generation),
        }
    }

    fn push(&mut self) {
        if let Some(chain) = self.chain.take() {
            self.home.take_back(&chain);
        }
    }
}

impl<T> Drop for Returns<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.push();
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
