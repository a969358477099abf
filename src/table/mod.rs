//! What users see: the tables, and what keeps a value alive while it is looked at.
//!
//! The files say what the verbs promise, with examples; `inner` holds what they do.
//!
//! - `handle_table.rs`: [`HandleTable`], a table of one type, and its look-ups; `insert.rs` and
//!   `remove.rs` have its other verbs.
//! - `builder.rs`: a table's settings.
//! - `reserved.rs`: [`Reserved`], a handle whose value is to follow.
//! - `pinned.rs`: [`Ref`], one value; [`Pinned`], one pin for many look-ups.
//! - `exclusive.rs`: the verbs that change a value; `ref_mut.rs`: [`RefMut`], one value to change.
//! - `who_reads.rs`: which threads hold one of these.
//! - `once/`: a table of values that are taken once.
//! - `any/`: [`AnyTable`], a table of values of any type, and the verbs of `Handle`, over the one
//!   that the whole process shares.

mod any;
mod builder;
#[allow(unsafe_code)]
mod call;
mod exclusive;
#[allow(unsafe_code)]
mod handle_table;
mod insert;
mod once;
mod owned;
#[allow(unsafe_code)]
mod pinned;
#[allow(unsafe_code)]
mod ref_mut;
#[allow(unsafe_code)]
mod remove;
mod reserved;
mod wait;
mod who_reads;

pub(crate) use self::owned::Owner;
pub use self::{
    any::{AnyTable, IterAny, PinnedAny, ReservedAny, TypeStats},
    builder::Builder,
    handle_table::HandleTable,
    once::{Drain, OnceTable},
    owned::Owned,
    pinned::{Iter, Pinned, Ref},
    ref_mut::RefMut,
    reserved::Reserved,
    who_reads::readers,
};
