//! Which thread writes where: a table is divided into shards, and each shard into the half that its
//! owner alone writes and the half that all threads share.
//!
//! A thread with a lease *owns* one shard of every table that has so many. (Without the feature
//! `sharded` a table has shard 0 alone, which no thread owns.) It claims slots from its own list
//! and collects the slots that it deletes with plain loads and stores; the one read-modify-write is
//! the compare-exchange that decides a delete. An [`Owner`] is the proof, for one operation, that
//! the calling thread holds the lease.
//!
//! All other threads come through the shared half of a [`Shard`], where each write is a
//! read-modify-write. A thread that owns no shard, or whose shard is full, claims slots there. A
//! thread that reclaims slots of another shard pushes them there. Shard 0 is owned by no thread.
//!
//! Slots are claimed from the shard that they belong to, and return to it, whichever thread does
//! it. Deleted slots wait in the shard of the thread that deleted them.
//!
//! - `counts.rs`: handles issued and deleted.
//! - `claim.rs`: a slot that one thread has taken, to publish a value in it.
//! - `lists.rs`: a stack of vacant slots, for all threads, and a stack of deleted slots, for
//!   threads that own no shard.
//! - `local.rs`: the owner's half. `shared.rs`: the shard, and what any thread may do with it.
//! - `owner.rs`: what the owner does.

#[allow(unsafe_code)]
mod claim;
mod counts;
mod lists;
#[allow(unsafe_code)]
mod local;
#[allow(unsafe_code)]
mod owner;
#[allow(unsafe_code)]
mod shared;

#[cfg(all(test, loom))]
mod models;
#[cfg(all(test, not(loom)))]
mod tests;

pub(crate) use self::{claim::Claim, lists::Chain, owner::Owner, shared::Shard};
