//! What the loom models of single parts share. They stand beside the parts, in the `models.rs` of
//! each folder, and leave out the epoch, so each is small enough for three threads and three
//! preemptions. A model's name says what holds, and its doc comment says which step it notices the
//! loss of. docs/ORDERING.md calls these models `parts::`.
//!
//! `loom_tests/` models how the parts work together, through the epoch.

use std::sync::Arc; // loom's would give edges of its own.

use loom::{cell::UnsafeCell, thread};

use crate::{
    slots::{Index, IndexLayout},
    sync::{offer, Barriers},
};

mod replay;

/// Explores `model` with three preemptions, or with `LOOM_MAX_PREEMPTIONS` if that is more.
pub(crate) fn check(model: impl Fn() + Send + Sync + 'static) {
    check_at(3, model);
}

/// Like [`check`], but with `most` preemptions, for a model that needs no more.
pub(crate) fn check_at(most: usize, model: impl Fn() + Send + Sync + 'static) {
    check_with(Barriers::Fences, most, model);
}

/// Like [`check_at`], on a system with such barriers.
pub(crate) fn check_with(
    barriers: Barriers,
    most: usize,
    model: impl Fn() + Send + Sync + 'static,
) {
    let mut builder = loom::model::Builder::new();
    let most = builder.preemption_bound.unwrap_or(0).max(most);
    builder.preemption_bound = Some(most);
    replay::check(&builder, move || {
        offer(barriers);
        model();
    });
}

/// Things that one thread at a time may own, such as a slot's memory or a shard. The part that is
/// modelled hands them from thread to thread, and loom checks that it does so in order.
pub(crate) struct Holds<const N: usize>([UnsafeCell<bool>; N]);

// SAFETY: loom checks every access to the cells. The models claim that all of them are ordered.
unsafe impl<const N: usize> Sync for Holds<N> {}

impl<const N: usize> Default for Holds<N> {
    fn default() -> Self {
        Self::new(0)
    }
}

impl<const N: usize> Holds<N> {
    /// The first `held` of them are owned, the others are free.
    pub(crate) fn new(held: usize) -> Self {
        Self(std::array::from_fn(|nth| UnsafeCell::new(nth < held)))
    }

    fn set(&self, nth: usize, now: bool) {
        // SAFETY: loom has checked that no other thread looks at the same time.
        let before = self.0[nth].with_mut(|held| unsafe { held.replace(now) });
        assert_ne!(before, now, "number {nth} has two owners");
    }

    /// Checks that this one is free. Several threads may look at the same time.
    pub(crate) fn look(&self, nth: usize) {
        // SAFETY: loom has checked that no thread writes at the same time.
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

/// Runs `f` on a new thread.
pub(crate) fn spawn<S: 'static, R: 'static>(
    shared: &Arc<S>,
    f: impl FnOnce(&S) -> R + 'static,
) -> thread::JoinHandle<R> {
    let shared = Arc::clone(shared);
    thread::spawn(move || f(&shared))
}
