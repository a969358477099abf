//! The body of a table: its shards and slots, and the operations on them, with a file for each
//! verb.
//!
//! ```text
//! new     insert.rs    claim a vacant slot ─ write the value ─ publish the state
//! value   lookup.rs    find the slot ─ pin ─ does the state equal the handle? ─ read
//! delete  remove.rs    unlink the state ─ into the batch ─ when full: seal it with a ticket,
//!                      and reclaim the batches whose tickets are over
//! ```
//!
//! `table` says what the verbs promise; here is what they do. `body.rs` is what they all use: which
//! shard the calling thread works in, the quota, the key. `once.rs` makes the body on the first
//! insert. `key.rs` turns states into handles and back, and `remote_frees.rs` returns slots to
//! their shards. `atomic_lookup.rs` keeps what a look-up reads first in the table itself.
//! `sweep.rs` drops deleted values wherever they wait, and `iterate.rs` goes over the live ones and
//! counts.
//!
//! Where is a value dropped? In `remove.rs` with its batch, in `sweep.rs` by a sweep, and in
//! `body.rs` with its table: nowhere else.

#[allow(unsafe_code)]
mod atomic_lookup;
#[allow(unsafe_code)]
mod body;
mod insert;
#[allow(unsafe_code)]
mod iterate;
mod key;
mod lookup;
#[allow(unsafe_code)]
mod once;
mod remote_frees;
#[allow(unsafe_code)]
mod remove;
#[allow(unsafe_code)]
mod sweep;

#[cfg(all(test, not(loom)))]
mod tests;

pub(crate) use self::{
    body::{Inner, Limits},
    iterate::Position,
    lookup::Lookup,
    once::OnceInner,
};
