//! The readers, and the moment at which a deleted value can be dropped: shared by all tables of the
//! process.
//!
//! A thread *pins* itself before it looks at a slot. What is deleted meanwhile is dropped when no
//! reader that was pinned then still is: after a *grace period*.
//!
//! On its first use of any table a thread takes a *lease*, if one is free: a number that stands for
//! the shard that it alone owns in every table with so many, and for a *record*, in which it shows
//! whether it is pinned, and since which *era*. A pin is a store to the record. The fence that it
//! needs is made by those who delete, for all readers at once: an asymmetric fence, as in liburcu,
//! folly and seize. Threads that find no lease free, or whose locals are gone, pin by
//! crossbeam-epoch: they are *outsiders*.
//!
//! - `eras.rs`: the word that says which era it is, and who makes the fences; `storm.rs`: when
//!   whose cost less.
//! - `record.rs`: the readers' words. `who.rs`: whose they are. `who_reads.rs`: that, for people.
//!   `os_thread.rs`: what the system says of a thread.
//! - `collector.rs`, `outsider.rs`: outsiders, who pin by crossbeam-epoch. `clock.rs`: its grace
//!   periods, counted.
//! - `retired.rs`: what was unlinked while a reader was in the way. `turn.rs`: who drops it.
//! - `ticket.rs`: tickets, for what is batched and may wait. `grace.rs`: what is known for them.
//! - `guard.rs`, `thread.rs`, `lease.rs`: pins, and what a thread has of its own. `exit_key.rs`:
//!   how a thread returns it that begins to use tables as it ends.
//! - `fork.rs`: what a forked child makes of it.
//! - `world.rs`: what all threads share. `dropping.rs`: whether this thread is inside a `Drop`.

// Under loom, what is a `&'static World` otherwise is an `Arc`.
#![allow(clippy::needless_borrow)]

mod clock;
#[allow(unsafe_code)]
mod collector;
#[allow(unsafe_code)]
mod dropping;
mod eras;
#[allow(unsafe_code)]
mod exit_key;
#[allow(unsafe_code)]
mod fork;
mod grace;
#[allow(unsafe_code)]
mod guard;
mod lease;
#[cfg(not(loom))]
#[allow(unsafe_code)]
mod os_thread;
mod outsider;
mod own;
mod record;
#[allow(unsafe_code)]
mod retired;
#[allow(unsafe_code)]
mod small_guard;
mod storm;
#[allow(unsafe_code)]
mod thread;
mod ticket;
#[allow(unsafe_code)]
mod turn;
mod who;
mod who_reads;
mod world;

#[cfg(all(test, loom))]
#[allow(unsafe_code)]
mod models;

pub(crate) use self::{
    dropping::is_dropping,
    fork::generation_floor,
    guard::{in_signal, pin, Guard},
    own::own_shard_fast,
    retired::Retired,
    small_guard::SmallGuard,
    thread::{is_pinned, own_shard},
    ticket::Ticket,
    turn::{
        drop_left, drop_waiting, help, is_lone_child, is_unread, republish, retire, while_dropping,
    },
    who_reads::{oldest_reader, readers, Moment},
};
