//! Where a value lies: slots, and the way from an index to a slot.
//!
//! ```text
//! handle ── key ──> state: phase | generation | index
//!                                                 │ shard | segment | place
//!        directory, one entry for each segment ───┘
//!            │
//!            └──> segment: slots of one shard, side by side, never moved
//!                     slot = state word + value (or a pointer to the value's box)
//! ```
//!
//! A *slot* is a state word with the memory of a value behind it. The state says everything:
//! whether a handle is valid, which one, and whether there is a value. It is *live*, in *limbo*
//! (deleted, with readers perhaps), *vacant* or *exhausted*. A value of up to 64 bytes lies in its
//! slot; a larger one lies in a box that the slot points to. The slots of a table stand in segments
//! that double in size; a directory entry leads to each, so a look-up costs two dependent loads.
//!
//! - `index.rs` divides the bits of an index into fields, and `state.rs` those of a state.
//! - `atomic_state.rs` has the transitions of a slot's life, each one atomic step.
//! - `slot.rs` puts value and state together, and knows how they lie in memory.
//! - `directory.rs` is what a look-up reads; `array.rs` makes the segments behind it.
//!
//! From `epoch` this folder takes the `Guard` alone, as the proof that a reader is pinned.

#[allow(unsafe_code)]
mod array;
mod atomic_state;
#[allow(unsafe_code)]
mod directory;
mod index;
#[allow(unsafe_code)]
mod slot;
mod state;

#[cfg(all(test, loom))]
#[allow(unsafe_code)]
mod models;
#[cfg(all(test, not(loom)))]
#[allow(unsafe_code)]
mod tests;

pub(crate) use self::{
    array::SlotArray,
    atomic_state::AtomicState,
    directory::{Directory, DirectoryParts},
    index::{Index, IndexLayout, IndexRange, Link},
    slot::{Slot, SlotLayout},
    state::{LiveState, Phase, State},
};
