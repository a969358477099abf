//! What waits for a grace period: batches of deleted slots, and the lock between batches and
//! sweeps.
//!
//! A deleted slot waits in limbo until no reader can see its value any more. To make that cheap,
//! deleted slots are *retired* together: a [`SlotList`] of them becomes a [`Batch`] with a ticket
//! for the next grace period, and waits among the [`SealedBatches`] of its shard. Once the ticket
//! is over, the thread that takes the batch drops its values and frees its slots.
//!
//! A batch that is not yet full belongs to one thread, which may never delete again. So there is a
//! second way: a *sweep* looks at the states of slots, and drops what it finds in limbo, in
//! whatever batch. The [`SweepLock`] lets either a batch or a sweep drop a value, never both.

#[allow(unsafe_code)]
mod batch;
#[allow(unsafe_code)]
mod sealed;
#[allow(unsafe_code)]
mod sweep_lock;

#[cfg(all(test, loom))]
mod models;

pub(crate) use self::{
    batch::{Batch, BatchList, SlotList},
    sealed::SealedBatches,
    sweep_lock::{Droppers, Drops, InBatch, SweepLock},
};
