//! Sweeps: they drop deleted values wherever those wait, also in the batches of idle and ended
//! threads.
//!
//! A sweep relies on the states of the slots; a batch is only a list of some. A batch that is not
//! sealed belongs to one thread, which might not delete again. A sweep finds the batch's slots by
//! their states, and drops their values after a grace period. The slots stay in the batch, vacated
//! in place, until it is reclaimed.
//!
//! A sweep takes values out under the `SweepLock`, which keeps batches and other sweeps away, and
//! drops them after unlocking. Sweeps leave trivial values alone, see `SlotLayout::TRIVIAL`.

use super::{body::Inner, remove::Deleted};
use crate::{
    config::batch_limit,
    epoch::{self, is_dropping, while_dropping, Ticket},
    error::QuiesceError,
    handle::Handle,
    reclaim::Drops,
    shard::Shard,
    slots::{Phase, Slot, SlotLayout},
    sync::Backoff,
};

/// What became of swept values: some were dropped here, others perhaps by other sweeps, whose drops
/// may not have ended.
#[derive(Default)]
struct Dropped {
    any_here: bool,
    elsewhere: Vec<Drops>,
}

impl Dropped {
    fn wait(self) {
        self.elsewhere.into_iter().for_each(Drops::wait);
    }
}

impl<T> Inner<T> {
    /// Whether sweeps look for values of `T`.
    const IS_SWEPT: bool = !SlotLayout::<T>::TRIVIAL;

    /// Drops what can be dropped now: everything deleted so far, if no reader is pinned.
    pub(crate) fn flush(&self) {
        if is_dropping() {
            return;
        }
        let (limbo, ticket) = self.limbo_snapshot();
        let is_over = ticket.advance_patiently();
        self.reclaim_all();
        if is_over {
            self.sweep(&limbo).wait();
        }
    }

    pub(super) fn reclaim_all(&self) {
        let access = self.access();
        for shard in &self.shards {
            self.reclaim(&access, shard, usize::MAX);
        }
    }

    /// Waits until everything deleted before the call has been dropped.
    pub(crate) fn quiesce(&self) -> Result<(), QuiesceError> {
        if is_dropping() {
            return Err(QuiesceError::InsideDrop);
        }
        match epoch::is_pinned() {
            Some(false) => {}
            Some(true) => return Err(QuiesceError::Pinned),
            None => return Err(QuiesceError::ThreadEnding),
        }
        let (limbo, ticket) = self.limbo_snapshot();
        let mut backoff = Backoff::new();
        while !ticket.advance_patiently() {
            backoff.wait();
        }
        self.sweep(&limbo).wait();
        // The batches too, or their slots would not be reused where no batch is ever full. Not in
        // models of values that are swept: a batch is one slot there, and the next delete takes it.
        if !cfg!(loom) || !Self::IS_SWEPT {
            self.reclaim_all();
        }
        Ok(())
    }

    /// Deletes `handle`, if it is valid, and drops its value before it returns if no reader is
    /// pinned.
    pub(crate) fn delete_now(&self, handle: Handle) -> Option<()> {
        let deleted = self.delete(handle)?;
        // A thread that is pinned itself would wait in vain.
        if is_dropping() || epoch::is_pinned() == Some(true) {
            return Some(());
        }
        if Ticket::take().advance_patiently() {
            let dropped = self.sweep(&[deleted]);
            // If not here, a batch dropped the value, or another sweep took it and may still be
            // dropping it.
            if !dropped.any_here {
                dropped.wait();
            }
        }
        Some(())
    }

    /// Seals the thread's batch. Returns all slots in limbo (none for trivial values), and a ticket
    /// for a grace period that begins after their deletion.
    fn limbo_snapshot<'t>(&'t self) -> (Vec<Deleted<'t, T>>, Ticket) {
        self.seal(&self.access());
        let in_limbo = |slot: Slot<'t, T>| {
            let state = slot.state().load();
            (state.phase() == Phase::Limbo).then_some((slot, state.generation()))
        };
        let slots = Self::IS_SWEPT.then(|| self.used_slots());
        let limbo = slots.into_iter().flatten().filter_map(in_limbo).collect();
        (limbo, Ticket::take())
    }

    /// Drops those values of `limbo` that no batch and no other sweep has dropped. Their grace
    /// period must be over. Returns after all drops that were under way in batches.
    fn sweep(&self, limbo: &[Deleted<'_, T>]) -> Dropped {
        let mut dropped = Dropped::default();
        if !Self::IS_SWEPT {
            return dropped;
        }
        // In chunks, to bound the values held at once. Runs at least once, with an empty chunk,
        // because `take_values` also waits for drops in progress.
        let mut chunks = limbo.chunks(batch_limit::<T>());
        let mut chunk = chunks.next().unwrap_or(&[]);
        loop {
            let (values, mine, others) = self.take_values(chunk);
            dropped.any_here |= !values.is_empty();
            dropped.elsewhere.extend(others);
            while_dropping(|| mine.run(values, |value| self.catch_drop_panic(|| drop(value))));
            match chunks.next() {
                Some(next) => chunk = next,
                None => return dropped,
            }
        }
    }

    /// Takes values out under the lock, and leaves their drops for afterwards, so that no batch
    /// waits for user code of a sweep. Also returns the drops that other sweeps have begun.
    fn take_values(&self, limbo: &[Deleted<'_, T>]) -> (Vec<Box<T>>, Drops, Vec<Drops>) {
        let guard = self.sweep_lock.lock();
        guard.wait_for_batches(self.shards.iter().map(Shard::droppers));
        let take = |&(slot, generation): &Deleted<'_, T>| {
            let is_mine = slot.state().try_vacate_in_place(generation);
            // SAFETY: `try_vacate_in_place` made the value this sweep's alone. Its grace period is
            // over, and the lock keeps batches and other sweeps away.
            is_mine.then(|| unsafe { slot.take() })
        };
        let values = limbo.iter().filter_map(take).collect();
        let (mine, others) = guard.list_drops();
        (values, mine, others)
    }
}
