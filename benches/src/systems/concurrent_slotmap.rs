//! concurrent-slotmap, an alpha release: Hyaline instead of epochs, address space reserved in
//! advance.
//!
//! When a map is dropped, it forgets values that were removed but not reclaimed yet (up to 63 for
//! each thread) instead of dropping them. No workload measures that.

use concurrent_slotmap::{hyaline::Guard, SlotId, SlotMap};

use super::{Reader, System};
use crate::value::Value;

/// The number of slots for which address space is reserved: enough for a million live values, and
/// for as many removed ones that wait for readers.
const RESERVED: u32 = 1 << 22;

pub struct ConcurrentSlotMap<V>(SlotMap<SlotId, V>);

impl<V: Value> System for ConcurrentSlotMap<V> {
    type Value = V;
    type Id = SlotId;
    type Reader<'a> = MapReader<'a, V>;
    const NAME: &'static str = "concurrent-slotmap";
    const CAPACITY: usize = RESERVED as usize / 2;

    fn new() -> Self {
        Self(SlotMap::new(RESERVED))
    }

    #[inline(always)]
    fn insert(&self, value: V) -> SlotId {
        self.0.insert(value, &self.0.pin())
    }

    #[inline(always)]
    fn get(&self, id: SlotId) -> u64 {
        self.0.get(id, &self.0.pin()).expect("the value is live").read()
    }

    #[inline(always)]
    fn remove(&self, id: SlotId) {
        let guard = self.0.pin();
        let value = self.0.remove(id, &guard);
        assert!(value.is_some(), "the value is live");
    }

    #[inline(always)]
    fn reader(&self) -> Option<MapReader<'_, V>> {
        Some(MapReader { map: &self.0, guard: self.0.pin() })
    }
}

pub struct MapReader<'a, V> {
    map: &'a SlotMap<SlotId, V>,
    guard: Guard<'a>,
}

impl<V: Value> Reader<SlotId> for MapReader<'_, V> {
    #[inline(always)]
    fn get(&self, id: SlotId) -> u64 {
        self.map.get(id, &self.guard).expect("the value is live").read()
    }

    #[inline(always)]
    fn repin(self) -> Self {
        let Self { map, guard } = self;
        drop(guard);
        Self { map, guard: map.pin() }
    }
}
