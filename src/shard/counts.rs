//! Handles issued and handles deleted. Their difference, over all shards, is a table's length.

use crate::sync::{AtomicUsize, Ordering};

/// The counts of one half of a shard.
#[derive(Debug)]
pub(super) struct Counts {
    pub(super) issued: AtomicUsize,
    pub(super) deleted: AtomicUsize,
}

impl Counts {
    pub(super) fn new() -> Self {
        Self { issued: AtomicUsize::new(0), deleted: AtomicUsize::new(0) }
    }
}

/// A count, and whether other threads write it too.
#[derive(Clone, Copy)]
pub(super) enum Counter<'s> {
    /// Written by the calling thread alone.
    Own(&'s AtomicUsize),
    /// Written by several threads.
    Shared(&'s AtomicUsize),
}

impl Counter<'_> {
    /// Adds one.
    #[inline]
    pub(super) fn add_one(self) {
        match self {
            Self::Own(counter) => _ = count_own(counter),
            Self::Shared(counter) => count_shared(counter),
        }
    }
}

/// Adds one to a count that the calling thread alone writes; returns the new count.
#[inline]
pub(super) fn count_own(counter: &AtomicUsize) -> usize {
    // edge: none. A count from which other threads infer no other access.
    let now = counter.load(Ordering::Relaxed).wrapping_add(1);
    // edge: none. A count from which other threads infer no other access.
    counter.store(now, Ordering::Relaxed);
    now
}

/// Adds one to a count that several threads write.
pub(super) fn count_shared(counter: &AtomicUsize) {
    // edge: none. A count from which no other access is inferred.
    counter.fetch_add(1, Ordering::Relaxed);
}
