//! What all tables of the process share: the epoch collector, the threads that take part in it,
//! their leases, and the clock of grace periods.
//!
//! A *reader* is a thread that is pinned: it calls [`pin`] before it looks at a slot, and unpins
//! when it drops the [`Guard`]. A *grace period* is over when every thread that was pinned at its
//! beginning has unpinned; only then may a deleted value be dropped. crossbeam-epoch provides the
//! pins. The clock in `grace.rs` counts the grace periods, one after the other and for all tables.
//! A [`Ticket`] names the first one that begins after a delete, and tells whether it is over.
//!
//! A thread registers on its first use of any table, and takes a *lease* then, if one is free: a
//! number that stands for the shard that it alone owns until it ends, in every table that has so
//! many. Calls also work while the thread's locals are being destroyed. If the registration is
//! already gone, the thread owns no shard, and each of its pins registers a participant for itself.
//!
//! - `collector.rs` wraps crossbeam-epoch: participants and their guards.
//! - `sentinel.rs` keeps one participant pinned, so that pins need not scan the others.
//! - `lease.rs` and `thread.rs` hold what a thread has of its own.
//! - `grace.rs` has the clock, the tickets, and how a thread advances the epoch.
//! - `dropping.rs` knows whether this thread is inside a value's `Drop`.

#[allow(unsafe_code)]
mod collector;
mod dropping;
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
    collector::Guard,
    dropping::{is_dropping, while_dropping},
    grace::{clock_now, Ticket},
    thread::{is_pinned, own_shard, own_shard_fast, pin},
};
