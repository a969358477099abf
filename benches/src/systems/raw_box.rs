//! `Box::into_raw`, as Rust code without a handle table does: the floor, with no safety at all.

use std::{marker::PhantomData, ptr::NonNull};

use super::{Reader, System};
use crate::value::Value;

/// The calls of a program without a table. It is its own reader, since there is nothing to pin.
pub struct RawBox<V>(PhantomData<fn() -> V>);

/// The pointer that C keeps.
pub struct Raw<V>(NonNull<V>);

impl<V> Clone for Raw<V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Raw<V> {}

// SAFETY: a pointer to a value that is itself `Send` and `Sync`, and belongs to no thread.
unsafe impl<V: Send + Sync> Send for Raw<V> {}
// SAFETY: sharing the pointer shares the value, which is `Sync`.
unsafe impl<V: Send + Sync> Sync for Raw<V> {}

impl<V: Value> System for RawBox<V> {
    type Value = V;
    type Id = Raw<V>;
    type Reader<'a> = &'a Self;
    const NAME: &'static str = "Box::into_raw";

    fn new() -> Self {
        Self(PhantomData)
    }

    #[inline(always)]
    fn insert(&self, value: V) -> Raw<V> {
        Raw(NonNull::from(Box::leak(Box::new(value))))
    }

    #[inline(always)]
    fn get(&self, raw: Raw<V>) -> u64 {
        // SAFETY: workloads get live values only, and remove a value when no thread reads it any
        // more.
        unsafe { raw.0.as_ref() }.read()
    }

    #[inline(always)]
    fn remove(&self, raw: Raw<V>) {
        // SAFETY: `insert` made the pointer from a box. Workloads remove each value once, when no
        // thread reads it any more.
        drop(unsafe { Box::from_raw(raw.0.as_ptr()) });
    }

    #[inline(always)]
    fn reader(&self) -> Option<&Self> {
        Some(self)
    }
}

impl<V: Value> Reader<Raw<V>> for &RawBox<V> {
    #[inline(always)]
    fn get(&self, raw: Raw<V>) -> u64 {
        System::get(*self, raw)
    }

    #[inline(always)]
    fn repin(self) -> Self {
        self
    }
}
