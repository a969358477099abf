//! The sealed batches of a shard: those that wait for their grace period, and those that have come through it and
//! wait for someone to drop their values.
//!
//! **Algorithm**: a Treiber stack. **Collision**: the loser of a compare-exchange links anew. **ABA**: it is taken
//! whole, so a head that came back is as good as the same one. **Orderings**: edge "grace".

use std::ptr;

use super::batch::{Batch, BatchList};
use crate::{
    epoch,
    sync::{AtomicPtr, AtomicUsize, Ordering},
};

/// Batches of one shard: pushed and taken whole by any thread.
#[derive(Debug)]
pub(crate) struct SealedBatches {
    head: AtomicPtr<Batch>,
    /// Slots of all of them.
    waiting: AtomicUsize,
    /// What the clock showed when they were last looked through, and all that were over were taken.
    seen: AtomicUsize,
}

impl SealedBatches {
    pub(crate) fn new() -> Self {
        Self {
            head: AtomicPtr::new(ptr::null_mut()),
            waiting: AtomicUsize::new(0),
            seen: AtomicUsize::new(0),
        }
    }

    /// Adds a batch, to be taken when its grace period is over.
    pub(crate) fn add(&self, batch: Box<Batch>) {
        // edge: none. A count, and nothing follows from it.
        self.waiting.fetch_add(batch.run().len, Ordering::Relaxed);
        self.push(batch);
    }

    fn push(&self, batch: Box<Batch>) {
        let batch = Box::into_raw(batch);
        // edge: none. The compare-exchange checks it.
        let mut top = self.head.load(Ordering::Relaxed);
        loop {
            // SAFETY: the batch is ours until the exchange below succeeds, and then takes along what
            // is below it.
            unsafe { (*batch).link(top) };
            // edge: grace. The batch, and all unlinks in it, before the pointer to it.
            let pushed =
                self.head
                    .compare_exchange_weak(top, batch, Ordering::Release, Ordering::Relaxed);
            match pushed {
                Ok(_) => return,
                Err(now) => top = now,
            }
        }
    }

    /// Slots of the batches that have not been taken.
    pub(crate) fn waiting(&self) -> usize {
        // edge: none. A count, and nothing follows from it.
        self.waiting.load(Ordering::Relaxed)
    }

    /// Whether it is worth a look: none that were here then can be over if the clock shows the same, and none that came since.
    pub(crate) fn clock_has_moved(&self) -> bool {
        // edge: none. A hint. Who puts something back meanwhile may be overlooked, until the clock goes on.
        self.seen.load(Ordering::Relaxed) != epoch::now()
    }

    /// Takes batches whose grace period is over, `most` at the most, newest first.
    pub(crate) fn take(&self, most: usize) -> BatchList {
        let now = epoch::now();
        // edge: grace. After those who sealed them.
        let first = self.head.swap(ptr::null_mut(), Ordering::Acquire);
        // SAFETY: `push` made them from boxes and linked them, and they were taken whole.
        let mut rest = unsafe { BatchList::from_raw(first) };
        let (mut over, mut early) = (BatchList::new(), BatchList::new());
        let mut left = most;
        while left > 0 {
            let Some(batch) = rest.next() else { break };
            if batch.ticket().is_over() {
                // edge: none. A count, and nothing follows from it.
                self.waiting.fetch_sub(batch.run().len, Ordering::Relaxed);
                over.push(batch);
                left -= 1;
            } else {
                early.push(batch);
            }
        }
        let seen = if left > 0 { now } else { now.wrapping_sub(1) };
        // edge: none. See `may_be_over`.
        self.seen.store(seen, Ordering::Relaxed);
        self.put_back(rest);
        // From the oldest on, so that they lie as they did.
        early.for_each(|batch| self.push(batch));
        over.reversed()
    }

    /// Puts a list back that may be long, in one go if nothing has come since.
    fn put_back(&self, rest: BatchList) {
        let first = rest.into_raw();
        if first.is_null() {
            return;
        }
        // edge: grace. Relaxed: we did nothing to them, and this stays in the release sequence of those who pushed them.
        let write = self.head.compare_exchange(
            ptr::null_mut(),
            first,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        if write.is_err() {
            // SAFETY: not given away, so it is ours still.
            unsafe { BatchList::from_raw(first) }.for_each(|batch| self.push(batch));
        }
    }
}

impl Drop for SealedBatches {
    fn drop(&mut self) {
        // edge: none. `&mut self`: there is no one else.
        let first = self.head.load(Ordering::Relaxed);
        // SAFETY: as in `take`.
        drop(unsafe { BatchList::from_raw(first) });
    }
}
