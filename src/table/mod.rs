//! What users see: the tables, and what keeps a value alive while it is looked at.
//!
//! The files say what the verbs promise, with examples; `inner` holds what they do.
//!
//! - `handle_table.rs`: [`HandleTable`], a table of one type, and its look-ups; `insert.rs` and
//!   `remove.rs` have its other verbs.
//! - `builder.rs`: a table's settings.
//! - `pinned.rs`: [`Ref`], one value; [`Pinned`], one pin for many look-ups.
//! - `who_reads.rs`: which threads hold one of these.
//! - `any/`: the process-wide table of values of any type, behind the verbs of `Handle`.

mod any;
mod builder;
#[allow(unsafe_code)]
mod handle_table;
mod insert;
#[allow(unsafe_code)]
mod pinned;
#[allow(unsafe_code)]
mod remove;
mod who_reads;

pub use self::{
    builder::Builder,
    handle_table::HandleTable,
    pinned::{Iter, Pinned, Ref},
    who_reads::readers,
};
