//! sharded-slab: a look-up counts a reference in the slot, which all readers of it write.

use std::convert::Infallible;

use sharded_slab::Slab;

use super::System;
use crate::value::Value;

pub struct ShardedSlab<V>(Slab<V>);

impl<V: Value> System for ShardedSlab<V> {
    type Value = V;
    type Id = usize;
    type Reader<'a> = Infallible;
    const NAME: &'static str = "sharded-slab";

    fn new() -> Self {
        Self(Slab::new())
    }

    #[inline(always)]
    fn insert(&self, value: V) -> usize {
        self.0.insert(value).expect("there is room")
    }

    #[inline(always)]
    fn get(&self, key: usize) -> u64 {
        self.0.get(key).expect("the value is live").read()
    }

    #[inline(always)]
    fn remove(&self, key: usize) {
        assert!(self.0.remove(key), "the value is live");
    }

    fn reader(&self) -> Option<Infallible> {
        None
    }
}
