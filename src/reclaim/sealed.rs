//! The sealed batches of a shard: those that wait for their grace period, and those whose grace
//! period is over but that no thread has taken yet.
//!
//! - **Algorithm**: a Treiber stack.
//! - **Collision**: the loser of a compare-exchange links its batch anew.
//! - **ABA**: harmless. The stack is taken whole, so a head that returned is as good as one that
//!   never left. (Strictly, a link to a batch that was freed and allocated anew at the same address
//!   meanwhile has lost its provenance; no processor notices.)
//! - **Orderings**: edge "grace".

use std::ptr;

use super::batch::{Batch, BatchList};
use crate::{
    epoch,
    sync::{AtomicPtr, AtomicUsize, Ordering},
};

/// Batches of one shard. Any thread may push a batch, or take the whole stack.
#[derive(Debug)]
pub(crate) struct SealedBatches {
    head: AtomicPtr<Batch>,
    /// How many slots these batches have.
    waiting: AtomicUsize,
    /// What the clock showed at the last scan that took every batch that was over.
    scanned_at: AtomicUsize,
}

impl SealedBatches {
    pub(crate) fn new() -> Self {
        Self {
            head: AtomicPtr::new(ptr::null_mut()),
            waiting: AtomicUsize::new(0),
            scanned_at: AtomicUsize::new(0),
        }
    }

    /// Adds a batch, to be taken when its grace period is over.
    pub(crate) fn add(&self, batch: Box<Batch>) {
        // edge: none. A hint: at zero, `reclaim` does not look at the stack, and a later call does.
        self.waiting.fetch_add(batch.slots().len, Ordering::Relaxed);
        self.push(batch);
    }

    fn push(&self, batch: Box<Batch>) {
        let batch = Box::into_raw(batch);
        // edge: none. The compare-exchange checks it.
        let mut top = self.head.load(Ordering::Relaxed);
        loop {
            // SAFETY: the batch is this thread's until the exchange succeeds, which gives it up
            // together with the batches linked to it.
            unsafe { (*batch).link(top) };
            // edge: grace. Release: the batch, and all unlinks in it, before the pointer to it.
            let pushed =
                self.head.compare_exchange_weak(top, batch, Ordering::Release, Ordering::Relaxed);
            match pushed {
                Ok(_) => return,
                Err(now) => top = now,
            }
        }
    }

    /// How many slots wait in batches that no thread has taken out.
    pub(crate) fn waiting(&self) -> usize {
        // edge: none. A hint: at zero, `reclaim` does not look at the stack, and a later call does.
        self.waiting.load(Ordering::Relaxed)
    }

    /// `false` if the clock has not moved since the last scan, so that no grace period has ended. A
    /// hint: a batch that is put back meanwhile may be missed until the clock moves.
    pub(crate) fn clock_has_moved(&self) -> bool {
        // edge: none. A hint.
        self.scanned_at.load(Ordering::Relaxed) != epoch::clock_now()
    }

    /// Takes batches whose grace period is over, at most `most` of them, newest first.
    pub(crate) fn take(&self, most: usize) -> BatchList {
        let now = epoch::clock_now();
        // edge: grace. Acquire: after all that the sealing threads did.
        let first = self.head.swap(ptr::null_mut(), Ordering::Acquire);
        // SAFETY: `push` made them from boxes and linked them, and the swap took them whole.
        let mut rest = unsafe { BatchList::from_raw(first) };
        let (mut over, mut early) = (BatchList::new(), BatchList::new());
        let mut left = most;
        while left > 0 {
            let Some(batch) = rest.next() else { break };
            if batch.ticket().is_over() {
                // edge: none. A hint: at zero, `reclaim` does not look at the stack, and a later
                // call does.
                self.waiting.fetch_sub(batch.slots().len, Ordering::Relaxed);
                over.push(batch);
                left -= 1;
            } else {
                early.push(batch);
            }
        }
        // If some batches were not looked at, a value that makes the next call scan again.
        let scanned_at = if left > 0 { now } else { now.wrapping_sub(1) };
        // edge: none. A hint, see `clock_has_moved`.
        self.scanned_at.store(scanned_at, Ordering::Relaxed);
        self.put_back(rest);
        // From the oldest on, so that their order stays.
        early.for_each(|batch| self.push(batch));
        over.reversed()
    }

    /// Puts a list back that may be long: with one exchange if the stack is still empty.
    fn put_back(&self, rest: BatchList) {
        let first = rest.into_raw();
        if first.is_null() {
            return;
        }
        // edge: grace. Relaxed: nothing was done to these batches, and this exchange stays in the
        // release sequence of their pushes.
        let put = self.head.compare_exchange(
            ptr::null_mut(),
            first,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        if put.is_err() {
            // SAFETY: the exchange failed, so the list is still this thread's.
            unsafe { BatchList::from_raw(first) }.for_each(|batch| self.push(batch));
        }
    }
}

impl Drop for SealedBatches {
    fn drop(&mut self) {
        // edge: none. `&mut self`: no other thread has the batches.
        let first = self.head.load(Ordering::Relaxed);
        // SAFETY: `push` made them from boxes and linked them.
        drop(unsafe { BatchList::from_raw(first) });
    }
}
