//! A raw pointer, read under a pin of crossbeam-epoch: the floor of all tables that pin for each
//! look-up, since their look-ups can't take less time than the pin.

use std::{cell::Cell, convert::Infallible, ptr, sync::OnceLock};

use crossbeam_epoch::{Collector, Guard, LocalHandle};

use super::{Raw, RawBox, System};
use crate::value::Value;

pub struct PinnedBox<V>(RawBox<V>);

/// Pins as cheaply as possible: a collector of its own, and a plain pointer to the participant.
#[inline(always)]
fn pin() -> Guard {
    thread_local! {
        static OWNED: LocalHandle = {
            static COLLECTOR: OnceLock<Collector> = OnceLock::new();
            COLLECTOR.get_or_init(Collector::new).register()
        };
        static PARTICIPANT: Cell<*const LocalHandle> = const { Cell::new(ptr::null()) };
    }
    if PARTICIPANT.get().is_null() {
        OWNED.with(|owned| PARTICIPANT.set(owned));
    }
    // SAFETY: the participant lives until the thread's locals are destroyed; no workload runs then.
    unsafe { &*PARTICIPANT.get() }.pin()
}

impl<V: Value> System for PinnedBox<V> {
    type Value = V;
    type Id = Raw<V>;
    type Reader<'a> = Infallible;
    const NAME: &'static str = "epoch pin, raw pointer";

    fn new() -> Self {
        Self(RawBox::new())
    }

    #[inline(always)]
    fn insert(&self, value: V) -> Raw<V> {
        self.0.insert(value)
    }

    #[inline(always)]
    fn get(&self, raw: Raw<V>) -> u64 {
        let _guard = pin();
        self.0.get(raw)
    }

    #[inline(always)]
    fn remove(&self, raw: Raw<V>) {
        self.0.remove(raw);
    }

    fn reader(&self) -> Option<Infallible> {
        None
    }
}
