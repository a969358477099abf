//! What all tables of the process share: the epoch collector, the threads that take part in it,
//! their leases, and the clock of grace periods.
//!
//! A *reader* pins its thread ([`pin`]) before it looks at a slot, and unpins when it drops the
//! [`Guard`]. A *grace period* is over when every thread that was pinned at its beginning has
//! unpinned; only then may a deleted value be dropped. crossbeam-epoch provides the pins. The
//! clock in `grace.rs` counts the grace periods, one after the other and for all tables, and a
//! [`Ticket`] tells whether the right one is over.
//!
//! A thread registers on its first use of any table and takes a *lease* then: the number of the
//! shard that it alone owns, in every table, until it ends. All of this works while the thread's
//! locals are being destroyed. The registration may be gone by then, and the thread goes on without
//! a lease and registers anew for each pin.
//!
//! - `collector.rs` wraps crossbeam-epoch: participants and their guards.
//! - `sentinel.rs` is a participant that spares all pins the scan over other participants.
//! - `lease.rs` and `thread.rs` hold what a thread has of its own.
//! - `grace.rs` has the clock, the tickets, and how a thread advances the epoch.
//! - `dropping.rs` knows whether this thread is inside a value's `Drop`.

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
