//! Flush and quiesce: they drop what waits, wherever that is.

use super::body::Inner;
use crate::{
    epoch::{self, is_dropping, Moment},
    error::QuiesceError,
    slots::{Phase, Slot, SlotLayout},
    sync::{Backoff, Deadline},
};

impl<T> Inner<T> {
    /// Drops what can be dropped now: everything deleted so far, if no reader is in the way.
    /// Returns how many values that were.
    pub(crate) fn flush(&self) -> usize {
        if is_dropping() {
            return 0;
        }
        if SlotLayout::<T>::TRIVIAL {
            self.flush_trivial();
            return self.reclaim_all();
        }
        let batched = if self.batch == 0 { 0 } else { self.drop_batches() };
        batched + epoch::drop_left(usize::MAX, self.id())
    }

    fn flush_trivial(&self) {
        let ticket = self.seal_all();
        // A thread that waits for itself waits in vain.
        if epoch::is_pinned() == Some(true) {
            ticket.try_advance();
        } else {
            ticket.advance_patiently();
        }
    }

    fn drop_batches(&self) -> usize {
        self.shards.iter().map(|shard| self.drop_batch(shard)).sum()
    }

    /// Waits until everything deleted before the call has been dropped; until `deadline` at most.
    pub(crate) fn quiesce(&self, deadline: Deadline) -> Result<(), QuiesceError> {
        if is_dropping() {
            return Err(QuiesceError::InsideDrop);
        }
        match epoch::is_pinned() {
            Some(false) => {}
            Some(true) => return Err(QuiesceError::Pinned),
            None => return Err(QuiesceError::ThreadEnding),
        }
        if SlotLayout::<T>::TRIVIAL {
            self.quiesce_trivial(deadline)
        } else {
            self.quiesce_dropping(deadline)
        }
    }

    fn quiesce_trivial(&self, deadline: Deadline) -> Result<(), QuiesceError> {
        let ticket = self.seal_all();
        let sealed = Moment::now();
        let mut backoff = Backoff::new();
        while !ticket.try_advance() {
            check(deadline, sealed)?;
            backoff.wait();
        }
        self.reclaim_all();
        Ok(())
    }

    fn quiesce_dropping(&self, deadline: Deadline) -> Result<(), QuiesceError> {
        self.flush();
        let mut waiting = self.in_limbo();
        let found = Moment::now();
        let mut backoff = Backoff::new();
        loop {
            // What was deleted while this thread looked may be in a batch.
            if self.batch != 0 {
                self.drop_batches();
            }
            // What is left to all threads; it may have been left while this thread looked.
            epoch::drop_waiting();
            waiting.retain(|(slot, generation)| {
                let state = slot.state().load();
                (state.phase(), state.generation()) == (Phase::Limbo, *generation)
            });
            if waiting.is_empty() || epoch::is_lone_child() {
                return Ok(());
            }
            check(deadline, found)?;
            backoff.wait();
        }
    }

    /// All slots in limbo, with the generations that were deleted.
    fn in_limbo(&self) -> Vec<(Slot<'_, T>, usize)> {
        let in_limbo = |(_, slot): (_, Slot<'_, T>)| {
            let state = slot.state().load();
            (state.phase() == Phase::Limbo).then_some(state.generation())
        };
        self.used_slots().filter_map(|used| Some((used.1, in_limbo(used)?))).collect()
    }
}

/// An error once the deadline has passed. Readers from after `begun` are in nobody's way.
fn check(deadline: Deadline, begun: Moment) -> Result<(), QuiesceError> {
    if deadline.is_over() {
        return Err(QuiesceError::TimedOut { reader: begun.oldest_reader_before() });
    }
    Ok(())
}
