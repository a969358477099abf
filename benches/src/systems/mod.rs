//! The systems: each does the same job through its own fastest public calls.

use std::convert::Infallible;

use crate::value::Value;

mod concurrent_slotmap;
mod idr_ebr;
mod locked;
mod maps;
mod ours;
mod pinned_box;
mod raw_box;
mod sharded_slab;

pub use self::{
    concurrent_slotmap::ConcurrentSlotMap,
    idr_ebr::IdrEbr,
    locked::{FfiSupport, RwLockSlotMap},
    maps::{Dash, Papaya},
    ours::{Global, Table},
    pinned_box::PinnedBox,
    raw_box::{Raw, RawBox},
    sharded_slab::ShardedSlab,
};

/// Something that gives out a word for a value, and finds the value by the word.
///
/// All calls panic where the word is not valid: workloads use none that isn't.
pub trait System: Send + Sync + Sized + 'static {
    type Value: Value;
    /// What C would keep.
    type Id: Copy + Send + Sync + 'static;
    /// One pin for many look-ups.
    type Reader<'a>: Reader<Self::Id>;

    const NAME: &'static str;
    /// How many values can be live at once.
    const CAPACITY: usize = usize::MAX;

    fn new() -> Self;
    fn insert(&self, value: Self::Value) -> Self::Id;
    /// Looks up and reads, with a pin, lock or reference count of its own.
    fn get(&self, id: Self::Id) -> u64;
    fn remove(&self, id: Self::Id);
    /// `None` if the system has no such thing.
    fn reader(&self) -> Option<Self::Reader<'_>>;
}

/// A guard under which any number of values can be read.
pub trait Reader<Id> {
    fn get(&self, id: Id) -> u64;
    /// Lets go of all that was seen, and pins anew.
    fn repin(self) -> Self;
}

/// The reader of a system that has none.
impl<Id> Reader<Id> for Infallible {
    fn get(&self, _: Id) -> u64 {
        match *self {}
    }

    fn repin(self) -> Self {
        self
    }
}
