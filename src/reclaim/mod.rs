//! What waits together: lists of slots, in batches.
//!
//! Deleted slots with *trivial* values wait until no reader can see their values any more. Nothing
//! shows when that is so, and to make it cheap they are *retired* together: a [`SlotList`] of them
//! becomes a [`Batch`] with a ticket for the next grace period, and waits among the
//! [`SealedBatches`] of its shard. Once the ticket is over, the thread that takes the batch frees
//! its slots. (Values with something to drop go with their delete, see `epoch/turn.rs`.)
//!
//! Free slots that a thread has too many of wait in batches too, in a [`BatchStack`] of its shard.

#[allow(unsafe_code)]
mod batch;
mod sealed;
#[allow(unsafe_code)]
mod stack;

#[cfg(all(test, loom))]
mod models;

pub(crate) use self::{
    batch::{Batch, BatchList, SlotList},
    sealed::SealedBatches,
    stack::BatchStack,
};
