//! The design of Go's `cgo.Handle`: a counter for keys, and a concurrent map. Each map runs with
//! its default hasher and with a fast one.

use std::{
    collections::hash_map::RandomState,
    convert::Infallible,
    hash::BuildHasher,
    sync::atomic::{AtomicUsize, Ordering},
};

use dashmap::DashMap;
use papaya::{Guard, HashMap, LocalGuard};

use super::{Reader, System};
use crate::value::Value;

/// A hasher, and the names of the maps that use it.
pub trait Hasher: BuildHasher + Default + Send + Sync + Clone + 'static {
    const PAPAYA: &'static str;
    const DASHMAP: &'static str;
}

impl Hasher for RandomState {
    const PAPAYA: &'static str = "papaya";
    const DASHMAP: &'static str = "dashmap";
}

impl Hasher for foldhash::fast::RandomState {
    const PAPAYA: &'static str = "papaya, foldhash";
    const DASHMAP: &'static str = "dashmap, foldhash";
}

pub struct Papaya<V, H> {
    next: AtomicUsize,
    map: HashMap<usize, V, H>,
}

impl<V: Value, H: Hasher> System for Papaya<V, H> {
    type Value = V;
    type Id = usize;
    type Reader<'a> = PapayaReader<'a, V, H>;
    const NAME: &'static str = H::PAPAYA;

    fn new() -> Self {
        Self { next: AtomicUsize::new(1), map: HashMap::default() }
    }

    #[inline(always)]
    fn insert(&self, value: V) -> usize {
        let key = self.next.fetch_add(1, Ordering::Relaxed);
        self.map.pin().insert(key, value);
        key
    }

    #[inline(always)]
    fn get(&self, key: usize) -> u64 {
        self.map.pin().get(&key).expect("the value is live").read()
    }

    #[inline(always)]
    fn remove(&self, key: usize) {
        let map = self.map.pin();
        assert!(map.remove(&key).is_some(), "the value is live");
    }

    #[inline(always)]
    fn reader(&self) -> Option<PapayaReader<'_, V, H>> {
        Some(PapayaReader { map: &self.map, guard: self.map.guard() })
    }
}

pub struct PapayaReader<'a, V, H> {
    map: &'a HashMap<usize, V, H>,
    guard: LocalGuard<'a>,
}

impl<V: Value, H: Hasher> Reader<usize> for PapayaReader<'_, V, H> {
    #[inline(always)]
    fn get(&self, key: usize) -> u64 {
        let value = self.map.get(&key, &self.guard);
        value.expect("the value is live").read()
    }

    #[inline(always)]
    fn repin(mut self) -> Self {
        self.guard.refresh();
        self
    }
}

pub struct Dash<V, H> {
    next: AtomicUsize,
    map: DashMap<usize, V, H>,
}

impl<V: Value, H: Hasher> System for Dash<V, H> {
    type Value = V;
    type Id = usize;
    type Reader<'a> = Infallible;
    const NAME: &'static str = H::DASHMAP;

    fn new() -> Self {
        Self { next: AtomicUsize::new(1), map: DashMap::default() }
    }

    #[inline(always)]
    fn insert(&self, value: V) -> usize {
        let key = self.next.fetch_add(1, Ordering::Relaxed);
        self.map.insert(key, value);
        key
    }

    #[inline(always)]
    fn get(&self, key: usize) -> u64 {
        self.map.get(&key).expect("the value is live").read()
    }

    #[inline(always)]
    fn remove(&self, key: usize) {
        assert!(self.map.remove(&key).is_some(), "the value is live");
    }

    fn reader(&self) -> Option<Infallible> {
        None
    }
}
