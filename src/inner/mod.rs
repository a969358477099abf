//! The body of a table: its shards and slots, and the operations on them, with a file for each
//! verb.
//!
//! ```text
//! new     insert.rs    claim a vacant slot ─ write the value ─ publish the state
//!         reservation.rs       ─ or: show its handle first, and write the value later
//! value   lookup.rs    find the slot ─ pin ─ does the state equal the handle? ─ read
//! delete  remove.rs    unlink the state ─ no reader in the way: drop the value, free the slot
//!                                       ─ else: retire the slot, for the last reader
//!         wait.rs      and wait for the readers: until it is dropped, or to move it out
//!         batches.rs   trivial values: into the batch ─ when full: seal it with a ticket,
//!                      and reclaim the batches whose tickets are over
//! ```
//!
//! `table` says what the verbs promise; here is what they do. `body.rs` is what they all use: which
//! shard the calling thread works in, the quota, the key. `once.rs` makes the body on the first
//! insert. `key.rs` turns states into handles and back, and `remote_frees.rs` returns slots to
//! their shards. `atomic_lookup.rs` keeps what a look-up reads first in the table itself.
//! `patience.rs` waits for threads that have vacant slots in their hands. `flush.rs` drops what
//! waits, or waits until it is dropped. `iterate.rs` goes over the live values, and deletes many.
//! `count.rs` counts slots and handles, and those that are left.
//!
//! Where is a value dropped? In `drops.rs`, nowhere else: `drop_slot` has it from a delete that
//! found no reader, from a batch of the table's, or from `RetiredSlots`, which `epoch/turn.rs`
//! calls when the readers are gone; `drop_all` drops what is in a table that is dropped itself.

#[allow(unsafe_code)]
mod atomic_lookup;
#[allow(unsafe_code)]
mod batches;
#[allow(unsafe_code)]
mod body;
mod count;
#[allow(unsafe_code)]
mod drops;
mod flush;
mod insert;
#[allow(unsafe_code)]
mod iterate;
mod key;
mod lookup;
#[allow(unsafe_code)]
mod once;
mod patience;
mod remote_frees;
mod remove;
#[allow(unsafe_code)]
mod reservation;
#[allow(unsafe_code)]
mod take;
#[allow(unsafe_code)]
mod wait;

#[cfg(all(test, not(loom)))]
mod tests;

pub(crate) use self::{
    body::{Inner, Limits},
    iterate::Position,
    lookup::Lookup,
    once::OnceInner,
    reservation::Reservation,
    take::OnceValue,
};
