//! Where a value lies.

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
    directory::{Directory, DirectoryEntry},
    index::{Index, IndexLayout, IndexRange, Link},
    slot::{Slot, SlotLayout},
    state::{CountedHead, LiveState, Phase, State, TaggedHead},
};
