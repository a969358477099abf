//! This crate's [`OnceTable`], whose values are taken and never looked at.

use std::convert::Infallible;

use handle_table::{Handle, OnceTable};

use crate::{systems::System, value::Value};

pub struct Once<V>(OnceTable<V>);

impl<V: Value> System for Once<V> {
    type Value = V;
    type Id = Handle<V>;
    type Reader<'a> = Infallible;
    const NAME: &'static str = "OnceTable";
    const LOOKS_UP: bool = false;

    fn new() -> Self {
        Self(OnceTable::new())
    }

    #[inline(always)]
    fn insert(&self, value: V) -> Handle<V> {
        self.0.insert(value)
    }

    /// Only whether it is there.
    #[inline(always)]
    fn get(&self, handle: Handle<V>) -> u64 {
        u64::from(self.0.contains(handle))
    }

    #[inline(always)]
    fn remove(&self, handle: Handle<V>) {
        drop(self.0.take(handle).expect("the value is there"));
    }

    #[inline(always)]
    fn take(&self, handle: Handle<V>) -> u64 {
        self.0.take(handle).expect("the value is there").read()
    }

    fn reader(&self) -> Option<Infallible> {
        None
    }
}
