//! What all tables of the process share: the collector, threads and their leases, grace periods.

mod grace;
mod lease;
#[cfg(not(loom))]
#[allow(unsafe_code)]
mod sentinel;
#[allow(unsafe_code)]
mod thread;

#[cfg(all(test, loom))]
mod models;

pub(crate) use self::{
    grace::{now, Ticket},
    thread::{is_dropping, is_pinned, own_shard, own_shard_fast, pin, while_dropping, Guard},
};
