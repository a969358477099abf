//! idr-ebr: epochs of the crate sdd, and a box for each value.

use idr_ebr::{EbrGuard, Idr, Key};

use super::{Reader, System};
use crate::value::Value;

pub struct IdrEbr<V: 'static>(Idr<V>);

impl<V: Value> System for IdrEbr<V> {
    type Value = V;
    type Id = Key;
    type Reader<'a> = IdrReader<'a, V>;
    const NAME: &'static str = "idr-ebr";

    fn new() -> Self {
        Self(Idr::default())
    }

    #[inline(always)]
    fn insert(&self, value: V) -> Key {
        self.0.insert(value).expect("there is room")
    }

    #[inline(always)]
    fn get(&self, key: Key) -> u64 {
        let guard = EbrGuard::new();
        self.0.get(key, &guard).expect("the value is live").read()
    }

    #[inline(always)]
    fn remove(&self, key: Key) {
        assert!(self.0.remove(key), "the value is live");
    }

    #[inline(always)]
    fn reader(&self) -> Option<IdrReader<'_, V>> {
        Some(IdrReader { idr: &self.0, guard: EbrGuard::new() })
    }
}

pub struct IdrReader<'a, V: 'static> {
    idr: &'a Idr<V>,
    guard: EbrGuard,
}

impl<V: Value> Reader<Key> for IdrReader<'_, V> {
    #[inline(always)]
    fn get(&self, key: Key) -> u64 {
        self.idr.get(key, &self.guard).expect("the value is live").read()
    }

    #[inline(always)]
    fn repin(self) -> Self {
        let Self { idr, guard } = self;
        drop(guard);
        Self { idr, guard: EbrGuard::new() }
    }
}
