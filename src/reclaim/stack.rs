//! [`BatchStack`]: batches that any thread may push, or take.
//!
//! - **Algorithm**: a Treiber stack.
//! - **Collision**: the loser of a compare-exchange links its batch anew.
//! - **ABA**: harmless. The stack is taken whole, so a head that returned is as good as one that
//!   never left. (Strictly, a link to a batch that was freed and allocated anew at the same address
//!   meanwhile has lost its provenance; no processor notices.)
//! - **Orderings**: edge "recycle".

use std::ptr;

use super::batch::{Batch, BatchList};
use crate::sync::{AtomicPtr, Ordering};

#[derive(Debug)]
pub(crate) struct BatchStack {
    head: AtomicPtr<Batch>,
}

impl BatchStack {
    pub(crate) fn new() -> Self {
        Self { head: AtomicPtr::new(ptr::null_mut()) }
    }

    /// Whether it looks empty. A hint.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        // edge: none. A hint.
        self.head.load(Ordering::Relaxed).is_null()
    }

    pub(crate) fn push(&self, batch: Box<Batch>) {
        let batch = Box::into_raw(batch);
        // edge: none. The compare-exchange checks it.
        let mut top = self.head.load(Ordering::Relaxed);
        loop {
            // SAFETY: the batch is this thread's until the exchange succeeds, which gives it up
            // together with the batches linked to it.
            unsafe { (*batch).link(top) };
            // edge: recycle. Release: the batch, and all that was done to its slots, before the
            // pointer to it.
            let pushed =
                self.head.compare_exchange_weak(top, batch, Ordering::Release, Ordering::Relaxed);
            match pushed {
                Ok(_) => return,
                Err(now) => top = now,
            }
        }
    }

    /// Takes all of them, the one that was pushed last first.
    pub(crate) fn take(&self) -> BatchList {
        // edge: recycle. Acquire: after all that the pushing threads did.
        let first = self.head.swap(ptr::null_mut(), Ordering::Acquire);
        // SAFETY: `push` made them from boxes and linked them, and the swap took them whole.
        unsafe { BatchList::from_raw(first) }
    }

    /// Takes one of them.
    pub(crate) fn take_one(&self) -> Option<Box<Batch>> {
        if self.is_empty() {
            return None;
        }
        let mut batches = self.take();
        let one = batches.next();
        self.put_back(batches);
        one
    }

    /// Puts a list back that may be long: with one exchange if the stack is still empty.
    fn put_back(&self, rest: BatchList) {
        let first = rest.into_raw();
        if first.is_null() {
            return;
        }
        // edge: recycle. Relaxed: an exchange stays in the release sequence of the pushes, and this
        // thread has changed nothing in these batches.
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

impl Drop for BatchStack {
    fn drop(&mut self) {
        drop(self.take());
    }
}
