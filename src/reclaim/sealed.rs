//! The sealed batches of a shard: they wait for their grace periods, in the order in which they
//! came.
//!
//! Any thread adds a batch, to a stack. One thread at a time takes from a queue, the oldest first,
//! and refills the queue from the stack once it is empty: so a look costs what it finds, however
//! many batches wait behind a reader. A thread that finds another one there does without.

use super::{
    batch::{Batch, BatchList},
    stack::BatchStack,
};
use crate::sync::{AtomicUsize, Ordering, TryLock};

/// Batches of one shard.
pub(crate) struct SealedBatches {
    added: BatchStack,
    /// Batches taken from `added`, the oldest first. All of them are older than those there.
    queue: TryLock<BatchList>,
    /// How many slots these batches have.
    waiting: AtomicUsize,
}

impl SealedBatches {
    pub(crate) fn new() -> Self {
        Self {
            added: BatchStack::new(),
            queue: TryLock::new(BatchList::new()),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Adds a batch, to be taken when its grace period is over.
    pub(crate) fn add(&self, batch: Box<Batch>) {
        // edge: none. A hint: at zero, `reclaim` does not look at the stack, and a later call does.
        self.waiting.fetch_add(batch.slots().len, Ordering::Relaxed);
        self.added.push(batch);
    }

    /// How many slots wait in batches that no thread has taken out.
    pub(crate) fn waiting(&self) -> usize {
        // edge: none. A hint: at zero, `reclaim` does not look at the stack, and a later call does.
        self.waiting.load(Ordering::Relaxed)
    }

    /// Takes batches whose grace period is over, at most `most` of them, oldest first.
    pub(crate) fn take(&self, most: usize) -> BatchList {
        let mut over = BatchList::new();
        self.queue.try_with(|queue| {
            for _ in 0..most {
                if queue.first().is_none() {
                    *queue = self.added.take().reversed();
                }
                if !queue.first().is_some_and(|oldest| oldest.ticket().is_over()) {
                    break;
                }
                let Some(batch) = queue.next() else { break };
                // edge: none. A hint: at zero, `reclaim` does not look, and a later call does.
                self.waiting.fetch_sub(batch.slots().len, Ordering::Relaxed);
                over.push(batch);
            }
        });
        over.reversed()
    }
}

impl std::fmt::Debug for SealedBatches {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealedBatches").field("waiting", &self.waiting).finish_non_exhaustive()
    }
}
