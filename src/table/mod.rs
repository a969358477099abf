//! What users see.

mod builder;
#[allow(unsafe_code)]
mod erased;
#[allow(unsafe_code)]
mod handle_table;
#[allow(unsafe_code)]
mod pinned;
mod process_wide;
mod upkeep;

pub use self::{
    builder::Builder,
    handle_table::HandleTable,
    pinned::{Iter, Pinned, Ref},
};
