//! What waits for a grace period.

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
    sweep_lock::{Drops, SweepLock},
};
