//! This crate: a [`HandleTable`] of one type, and the process-wide table of any type.

use std::{convert::Infallible, marker::PhantomData};

use handle_table::{Handle, HandleTable, Pinned};

use super::{Reader, System};
use crate::value::Value;

pub struct Table<V>(HandleTable<V>);

impl<V: Value> System for Table<V> {
    type Value = V;
    type Id = Handle;
    type Reader<'a> = Pinned<'a, V>;
    const NAME: &'static str = "handle-table";

    fn new() -> Self {
        Self(HandleTable::new())
    }

    #[inline(always)]
    fn insert(&self, value: V) -> Handle {
        self.0.insert(value)
    }

    #[inline(always)]
    fn get(&self, handle: Handle) -> u64 {
        self.0.get(handle).expect("the value is live").read()
    }

    #[inline(always)]
    fn remove(&self, handle: Handle) {
        self.0.remove(handle).expect("the value is live");
    }

    #[inline(always)]
    fn reader(&self) -> Option<Pinned<'_, V>> {
        Some(self.0.pin())
    }
}

impl<V: Value> Reader<Handle> for Pinned<'_, V> {
    #[inline(always)]
    fn get(&self, handle: Handle) -> u64 {
        Pinned::get(self, handle).expect("the value is live").read()
    }

    #[inline(always)]
    fn repin(mut self) -> Self {
        Pinned::repin(&mut self);
        self
    }
}

/// The process-wide table of all types, through `Handle::new`, `try_value` and `try_delete`.
pub struct Global<V>(PhantomData<fn() -> V>);

impl<V: Value> System for Global<V> {
    type Value = V;
    type Id = Handle;
    type Reader<'a> = Infallible;
    const NAME: &'static str = "Handle (any type)";

    fn new() -> Self {
        Self(PhantomData)
    }

    #[inline(always)]
    fn insert(&self, value: V) -> Handle {
        Handle::new(value)
    }

    #[inline(always)]
    fn get(&self, handle: Handle) -> u64 {
        handle.try_value::<V>().expect("the value is live").read()
    }

    #[inline(always)]
    fn remove(&self, handle: Handle) {
        handle.try_delete().expect("the value is live");
    }

    fn reader(&self) -> Option<Infallible> {
        None
    }
}
