//! The systems: our tables, their peers and the floors, each through its own fastest public calls.

use std::convert::Infallible;

use crate::value::Value;

mod concurrent_slotmap;
mod idr_ebr;
mod locked;
mod maps;
mod once;
mod ours;
mod pinned_box;
mod raw_box;
mod sharded_slab;

#[cfg(benches_before)]
pub use self::ours::{Before, BeforeAny};
pub use self::{
    concurrent_slotmap::ConcurrentSlotMap,
    idr_ebr::IdrEbr,
    locked::{FfiSupport, RwLockSlotMap},
    maps::{Dash, Papaya},
    once::Once,
    ours::{Batched, Global, Table},
    pinned_box::PinnedBox,
    raw_box::{Raw, RawBox},
    sharded_slab::ShardedSlab,
};

/// A table: it stores a value under an id, and finds the value by the id.
///
/// All calls panic on an invalid id; workloads use valid ones only.
pub trait System: Send + Sync + Sized + 'static {
    type Value: Value;
    /// The word that C would keep.
    type Id: Copy + Send + Sync + 'static;
    /// One pin that many look-ups share.
    type Reader<'a>: Reader<Self::Id>;

    const NAME: &'static str;
    /// The largest number of live values.
    const CAPACITY: usize = usize::MAX;
    /// Whether values can be looked up, and not only taken.
    const LOOKS_UP: bool = true;

    fn new() -> Self;
    fn insert(&self, value: Self::Value) -> Self::Id;
    /// Looks up and reads, with a pin, lock or reference count of its own.
    fn get(&self, id: Self::Id) -> u64;
    fn remove(&self, id: Self::Id);
    /// Reads a value that is not looked at any more, and removes it.
    #[inline(always)]
    fn take(&self, id: Self::Id) -> u64 {
        let number = self.get(id);
        self.remove(id);
        number
    }
    /// Pins. `None` if the system has no pin that many look-ups can share.
    fn reader(&self) -> Option<Self::Reader<'_>>;
}

/// A guard under which any number of values can be read.
pub trait Reader<Id> {
    fn get(&self, id: Id) -> u64;
    /// Unpins and pins again; nothing read before may be used after.
    fn repin(self) -> Self;
}

/// The reader of a system that has no pin to share: it can't exist.
impl<Id> Reader<Id> for Infallible {
    fn get(&self, _: Id) -> u64 {
        match *self {}
    }

    fn repin(self) -> Self {
        self
    }
}
