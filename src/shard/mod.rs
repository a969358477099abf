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
//! thread that frees slots of another shard pushes them there. Shard 0 is owned by no thread.
//!
//! A slot belongs to one shard. A thread claims slots of its own shard, and a freed slot returns to
//! the shard that it belongs to, whichever thread frees it. Deleted slots with trivial values, and
//! those of a table of batches, wait in the shard of the thread that deleted them.
//!
//! An owner that has freed more slots than it needs leaves whole batches of them, *spare* ones, in
//! the shared half. An owner of a large shard takes those of other shards before it uses slots that
//! were never used. So threads that need many slots one after the other need one's peak, not all
//! of theirs together.
//!
//! - `counts.rs`: handles issued and deleted.
//! - `away.rs`: freed slots of another shard, on their way there.
//! - `claim.rs`: a slot that one thread has taken, to publish a value in it.
//! - `lists.rs`: a stack of vacant slots, for all threads, and a stack of deleted slots, for
//!   threads that own no shard and for tables of batches.
//! - `vacant.rs`: vacant slots for whoever needs some.
//! - `local.rs`: the owner's half. `shared.rs`: the shard, and what any thread may do with it.
//! - `owner.rs`: what the owner does.

#[allow(unsafe_code)]
mod away;
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
#[allow(unsafe_code)]
mod vacant;

#[cfg(all(test, loom))]
mod models;
#[cfg(all(test, not(loom)))]
mod tests;

pub(crate) use self::{
    claim::{Claim, ReservedSlot},
    lists::Chain,
    owner::Owner,
    shared::Shard,
    vacant::VacantSlots,
};
