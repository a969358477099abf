//! loom models of single parts, without the epoch and its steps: small enough for three threads and
//! three preemptions. One fear each, and what it would notice; docs/ORDERING.md calls them `parts::`.
//! How the parts work together is modelled through the epoch, in `loom_tests/`.

use std::sync::Arc; // loom's would give edges of its own.

use loom::{cell::UnsafeCell, thread};

use crate::slots::{Index, IndexLayout};

#[path = "../loom_tests/src/replay.rs"]
mod replay;

/// Explores `model` with three preemptions, or `LOOM_MAX_PREEMPTIONS` if that is more.
pub(crate) fn check(model: impl Fn() + Send + Sync + 'static) {
    check_at(3, model);
}

/// The same with this many, for a model that needs no more.
pub(crate) fn check_at(most: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    let most = builder.preemption_bound.unwrap_or(0).max(most);
    builder.preemption_bound = Some(most);
    replay::check(&builder, model);
}

/// What belongs to one thread at a time, as the lists hand it on: a slot's memory, a shard.
pub(crate) struct Holds<const N: usize>([UnsafeCell<bool>; N]);

// SAFETY: loom checks every access to the cells; that none is unordered is what the models claim.
unsafe impl<const N: usize> Sync for Holds<N> {}

impl<const N: usize> Holds<N> {
    /// Of all of them the first `held` are in someone's hands.
    pub(crate) fn new(held: usize) -> Self {
        Self(std::array::from_fn(|nth| UnsafeCell::new(nth < held)))
    }

    fn set(&self, nth: usize, now: bool) {
        // SAFETY: loom has checked that nobody else looks meanwhile.
        let before = self.0[nth].with_mut(|held| unsafe { held.replace(now) });
        assert_ne!(before, now, "number {nth} is in two hands");
    }

    /// Looks, as others may at the same time.
    pub(crate) fn look(&self, nth: usize) {
        // SAFETY: loom has checked that nobody writes meanwhile.
        self.0[nth].with(|held| assert!(unsafe { !*held }));
    }

    pub(crate) fn take(&self, nth: usize) {
        self.set(nth, true);
    }

    pub(crate) fn give(&self, nth: usize) {
        self.set(nth, false);
    }
}

pub(crate) fn index(number: usize) -> Index {
    IndexLayout::new(1).index(number, 0)
}

/// Runs `f` of `shared` in a thread of its own.
pub(crate) fn spawn<S: 'static, R: 'static>(
    shared: &Arc<S>,
    f: impl FnOnce(&S) -> R + 'static,
) -> thread::JoinHandle<R> {
    let shared = Arc::clone(shared);
    thread::spawn(move || f(&shared))
}
