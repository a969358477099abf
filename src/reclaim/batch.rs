//! Slots that wait together: a list of slots, a batch, and lists of batches.

use std::{mem::ManuallyDrop, ptr};

use crate::{epoch::Ticket, slots::Index, sync::UnsafeCell};

/// Slots that are linked through their states.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SlotList {
    pub(crate) first: Index,
    /// How many there are; of a list of free slots, how many at most. [`MANY`](Self::MANY) for one
    /// that nobody has counted.
    pub(crate) len: usize,
    /// Whether the list is a full batch, and its slots all belong to the shard of the thread that
    /// deleted them. The owner then adopts the list as its free list, unchanged.
    pub(crate) reusable_in_place: bool,
}

impl SlotList {
    pub(crate) const MANY: usize = usize::MAX;

    /// A list of free slots.
    pub(crate) fn free(first: Index, len: usize) -> Self {
        Self { first, len, reusable_in_place: true }
    }
}

/// A slot list with the ticket of its grace period.
pub(crate) struct Batch {
    slots: SlotList,
    /// For a grace period after all unlinks of these slots.
    ticket: Ticket,
    /// The next batch of the list that this one is in.
    next: UnsafeCell<*mut Batch>,
}

// SAFETY: `next` is another batch, owned through this one; the rest is plain data.
unsafe impl Send for Batch {}

impl Batch {
    pub(crate) fn new(slots: SlotList, ticket: Ticket) -> Box<Self> {
        Box::new(Self { slots, ticket, next: UnsafeCell::new(ptr::null_mut()) })
    }

    pub(crate) fn slots(&self) -> SlotList {
        self.slots
    }

    /// Puts the caller's slots in place of those that were there, which the caller has taken.
    pub(crate) fn set_slots(&mut self, slots: SlotList) {
        self.slots = slots;
    }

    pub(crate) fn ticket(&self) -> Ticket {
        self.ticket
    }

    /// Puts `next` below this batch.
    ///
    /// # Safety
    ///
    /// No other thread has this batch. `next` is null, or came from `Box::into_raw` and belongs to
    /// this batch once the caller has published it.
    pub(super) unsafe fn link(&self, next: *mut Self) {
        // SAFETY: the caller's duty.
        self.next.with_mut(|place| unsafe { *place = next });
    }
}

/// A list of batches, which it owns. The batch that was pushed last comes first.
pub(crate) struct BatchList {
    first: *mut Batch,
}

// SAFETY: it owns the batches.
unsafe impl Send for BatchList {}

impl BatchList {
    pub(crate) const fn new() -> Self {
        Self { first: ptr::null_mut() }
    }

    /// # Safety
    ///
    /// `first` is null or came from `Box::into_raw`. It belongs to the caller, with all batches
    /// that are [linked](Batch::link) below it.
    pub(super) unsafe fn from_raw(first: *mut Batch) -> Self {
        Self { first }
    }

    /// Gives the batches up, to be taken back by [`from_raw`](Self::from_raw).
    pub(super) fn into_raw(self) -> *mut Batch {
        ManuallyDrop::new(self).first
    }

    /// The first batch, which stays.
    pub(super) fn first(&self) -> Option<&Batch> {
        // SAFETY: the list owns its batches.
        unsafe { self.first.as_ref() }
    }

    /// Adds a batch in front. Allocates nothing.
    pub(crate) fn push(&mut self, batch: Box<Batch>) {
        // SAFETY: the box is this thread's alone; the list owned its old first batch, and gives it
        // to the new one.
        unsafe { batch.link(self.first) };
        self.first = Box::into_raw(batch);
    }

    /// The batches in reverse order.
    pub(super) fn reversed(self) -> Self {
        let mut reversed = Self::new();
        self.for_each(|batch| reversed.push(batch));
        reversed
    }
}

impl Default for BatchList {
    fn default() -> Self {
        Self::new()
    }
}

impl Iterator for BatchList {
    type Item = Box<Batch>;

    fn next(&mut self) -> Option<Box<Batch>> {
        if self.first.is_null() {
            return None;
        }
        // SAFETY: the list owns its first batch, and all of them came from boxes.
        let batch = unsafe { Box::from_raw(self.first) };
        // SAFETY: no other thread has the batch.
        self.first = batch.next.with_mut(|next| unsafe { *next });
        Some(batch)
    }
}

impl Drop for BatchList {
    fn drop(&mut self) {
        self.for_each(drop);
    }
}
