//! One lock around a whole table: the map of ffi-support, and the usual one of slotmap and
//! `RwLock`.

use std::{
    convert::Infallible,
    sync::{Arc, RwLock},
};

use ffi_support::{ConcurrentHandleMap, Handle, HandleError};
use slotmap::{DefaultKey, SlotMap};

use super::System;
use crate::value::Value;

/// A read-write lock around the map, and a mutex around each value that is held while it is read.
pub struct FfiSupport<V>(ConcurrentHandleMap<V>);

impl<V: Value> System for FfiSupport<V> {
    type Value = V;
    type Id = Handle;
    type Reader<'a> = Infallible;
    const NAME: &'static str = "ffi-support";
    // `insert` panics a little before the documented `MAX_CAPACITY` of 2^15 - 1.
    const CAPACITY: usize = 32_000;

    fn new() -> Self {
        Self(ConcurrentHandleMap::new())
    }

    #[inline(always)]
    fn insert(&self, value: V) -> Handle {
        self.0.insert(value)
    }

    #[inline(always)]
    fn get(&self, handle: Handle) -> u64 {
        self.0.get(handle, |value| Ok::<_, HandleError>(value.read())).expect("the value is live")
    }

    #[inline(always)]
    fn remove(&self, handle: Handle) {
        self.0.delete(handle).expect("the value is live");
    }

    fn reader(&self) -> Option<Infallible> {
        None
    }
}

/// `RwLock<SlotMap<Arc<V>>>`. A look-up clones the `Arc`, so that no lock is held in the callback.
pub struct RwLockSlotMap<V>(RwLock<SlotMap<DefaultKey, Arc<V>>>);

impl<V: Value> System for RwLockSlotMap<V> {
    type Value = V;
    type Id = DefaultKey;
    type Reader<'a> = Infallible;
    const NAME: &'static str = "RwLock<SlotMap<Arc>>";

    fn new() -> Self {
        Self(RwLock::default())
    }

    #[inline(always)]
    fn insert(&self, value: V) -> DefaultKey {
        let value = Arc::new(value);
        self.0.write().expect("no panics").insert(value)
    }

    #[inline(always)]
    fn get(&self, key: DefaultKey) -> u64 {
        let value = self.0.read().expect("no panics").get(key).cloned();
        value.expect("the value is live").read()
    }

    #[inline(always)]
    fn remove(&self, key: DefaultKey) {
        let value = self.0.write().expect("no panics").remove(key);
        drop(value.expect("the value is live"));
    }

    fn reader(&self) -> Option<Infallible> {
        None
    }
}
