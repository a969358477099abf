//! [`RemoteFrees`]: slots that return to the shards they belong to.

use std::ptr;

use super::body::{Inner, ShardAccess};
use crate::{
    shard::{Chain, Shard},
    slots::{AtomicState, Index},
};

/// Vacated slots, grouped by home shard, and pushed there when this is dropped. Until then no
/// thread can claim them, so an insert in a `Drop` may find the table full.
pub(super) struct RemoteFrees<'t, T> {
    inner: &'t Inner<T>,
    /// Slots of the calling thread's own shard.
    own: PendingChain<'t, T>,
    /// Slots of one other shard. A slot of a third shard pushes this chain, and begins a new one.
    other: Option<PendingChain<'t, T>>,
}

impl<'t, T> RemoteFrees<'t, T> {
    pub(super) fn new(inner: &'t Inner<T>, access: &ShardAccess<'t, T>) -> Self {
        Self { inner, own: PendingChain::new(access.shard()), other: None }
    }

    /// Adds a slot that the caller owns, to be issued with `generation` next.
    pub(super) fn add(&mut self, state: &'t AtomicState, index: Index, generation: usize) {
        let home = self.inner.home(index);
        if ptr::eq(home, self.own.home) {
            return self.own.add(state, index, generation);
        }
        if !matches!(&self.other, Some(other) if ptr::eq(home, other.home)) {
            // Pushes the chain.
            self.other = None;
        }
        let other = self.other.get_or_insert_with(|| PendingChain::new(home));
        other.add(state, index, generation);
    }
}

/// A chain of slots, and the shard that it is pushed to when this is dropped.
struct PendingChain<'t, T> {
    home: &'t Shard<T>,
    chain: Option<Chain<'t>>,
}

impl<'t, T> PendingChain<'t, T> {
    fn new(home: &'t Shard<T>) -> Self {
        Self { home, chain: None }
    }

    fn add(&mut self, state: &'t AtomicState, index: Index, generation: usize) {
        match &mut self.chain {
            Some(chain) => chain.add(state, index, generation),
            None => self.chain = Chain::new(state, index, generation),
        }
    }
}

impl<T> Drop for PendingChain<'_, T> {
    fn drop(&mut self) {
        if let Some(chain) = &self.chain {
            self.home.vacant().push(chain);
        }
    }
}
