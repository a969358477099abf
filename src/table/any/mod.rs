//! The table of values of any type, and `Handle`'s verbs over the one that the whole process
//! shares.
//!
//! It is a `HandleTable` whose values are `AnyValue`: up to three words in place, larger ones in a
//! box, with a table of functions that knows the type.
//!
//! - `value.rs`: such a value.
//! - `table.rs`: [`AnyTable`], its look-ups; `insert.rs`, `reserved.rs`, `wait.rs`,
//!   `remove.rs`, `call.rs` and `pinned.rs` have its other verbs; `by_type.rs` counts its types.
//! - `process_wide/`: the verbs of `Handle`, in meaning those of Go's `runtime/cgo`.

mod builder;
mod by_type;
#[allow(unsafe_code)]
mod call;
mod insert;
mod pinned;
mod process_wide;
mod remove;
mod reserved;
#[allow(unsafe_code)]
mod table;
#[allow(unsafe_code)]
mod value;
mod wait;

pub use self::{
    by_type::TypeStats,
    pinned::{IterAny, PinnedAny},
    reserved::ReservedAny,
    table::AnyTable,
};
