//! `Box::into_raw`, what Rust does today: the floor, with no safety at all.

use std::{marker::PhantomData, ptr::NonNull};

use super::{Reader, System};
use crate::value::Value;

/// What one calls oneself, and one's own reader: there is no table.
pub struct RawBox<V>(PhantomData<fn() -> V>);

/// The pointer as C keeps it.
pub struct Raw<V>(NonNull<V>);

impl<V> Clone for Raw<V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Raw<V> {}

// SAFETY: a pointer to a value that is itself `Send` and `Sync`, and in no thread's charge.
unsafe impl<V: Send + Sync> Send for Raw<V> {}
// SAFETY: as above.
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
        // SAFETY: workloads get and remove live values only, each of which is removed once, by a
        // thread that knows that no other reads it any more.
        unsafe { raw.0.as_ref() }.read()
    }

    #[inline(always)]
    fn remove(&self, raw: Raw<V>) {
        // SAFETY: as above; it came from a box, in `insert`.
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
