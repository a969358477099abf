//! Deleted slots on their way through a grace period: a batch, and lists of batches.

use std::{mem::ManuallyDrop, ptr};

use crate::{epoch::Ticket, slots::Index, sync::UnsafeCell};

/// Deleted slots that are retired together: a list through the slots' links.
#[derive(Clone, Copy)]
pub(crate) struct SlotList {
    pub(crate) first: Index,
    pub(crate) len: usize,
    /// Whether it is a full batch, and all are of the shard that they were deleted at: then it goes back
    /// to that as it is.
    pub(crate) reusable_in_place: bool,
}

/// A run, and when its grace period is over.
pub(crate) struct Batch {
    run: SlotList,
    /// For a grace period after all its unlinks.
    ticket: Ticket,
    /// The one below it in a list.
    next: UnsafeCell<*mut Batch>,
}

// SAFETY: `next` is another batch, owned through this one; the rest is plain data.
unsafe impl Send for Batch {}

impl Batch {
    pub(crate) fn new(run: SlotList, ticket: Ticket) -> Box<Self> {
        Box::new(Self {
            run,
            ticket,
            next: UnsafeCell::new(ptr::null_mut()),
        })
    }

    pub(crate) fn run(&self) -> SlotList {
        self.run
    }

    pub(crate) fn ticket(&self) -> Ticket {
        self.ticket
    }

    /// Puts `next` below this one.
    ///
    /// # Safety
    ///
    /// No one else has this batch. `next` is null, or came from `Box::into_raw` and goes along with
    /// this batch from here on.
    pub(crate) unsafe fn link(&self, next: *mut Self) {
        // SAFETY: the caller's duty.
        self.next.with_mut(|place| unsafe { *place = next });
    }
}

/// A list of batches, which it owns: the last one pushed comes first.
pub(crate) struct BatchList {
    first: *mut Batch,
}

// SAFETY: it owns the batches.
unsafe impl Send for BatchList {}

impl BatchList {
    pub(crate) fn new() -> Self {
        Self {
            first: ptr::null_mut(),
        }
    }

    /// # Safety
    ///
    /// `first` is null or came from `Box::into_raw`, and what is [linked](Batch::link) below it
    /// belongs to the caller with it.
    pub(crate) unsafe fn from_raw(first: *mut Batch) -> Self {
        Self { first }
    }

    /// Gives it away, to come back by [`from_raw`](Self::from_raw).
    pub(crate) fn into_raw(self) -> *mut Batch {
        ManuallyDrop::new(self).first
    }

    /// The last one first.
    pub(crate) fn reversed(self) -> Self {
        let mut reversed = Self::new();
        self.for_each(|batch| reversed.push(batch));
        reversed
    }

    /// Allocates nothing.
    pub(crate) fn push(&mut self, batch: Box<Batch>) {
        // SAFETY: it is boxed here; and the list has owned what was its first.
        unsafe { batch.link(self.first) };
        self.first = Box::into_raw(batch);
    }
}

impl Iterator for BatchList {
    type Item = Box<Batch>;

    fn next(&mut self) -> Option<Box<Batch>> {
        if self.first.is_null() {
            return None;
        }
        // SAFETY: the list owns its first batch, and all came from boxes.
        let batch = unsafe { Box::from_raw(self.first) };
        // SAFETY: no one else has the batch.
        self.first = batch.next.with_mut(|next| unsafe { *next });
        Some(batch)
    }
}

impl Drop for BatchList {
    fn drop(&mut self) {
        self.for_each(drop);
    }
}
