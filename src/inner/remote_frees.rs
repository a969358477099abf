//! [`RemoteFrees`]: slots that return to the shards they belong to.

use std::ptr;

use super::body::{Inner, ShardAccess};
use crate::{
    shard::{Chain, Shard},
    slots::{AtomicState, Index},
};

/// Vacated slots, grouped by home shard, and pushed there when this is dropped. They can't be
/// claimed before, so a `Drop` that inserts into a full table fails.
pub(super) struct RemoteFrees<'t, T> {
    inner: &'t Inner<T>,
    /// Slots of the calling thread's own shard.
    near: PendingChain<'t, T>,
    /// Slots of another shard: consecutive ones go there together.
    far: Option<PendingChain<'t, T>>,
}

impl<'t, T> RemoteFrees<'t, T> {
    pub(super) fn new(inner: &'t Inner<T>, access: &ShardAccess<'t, T>) -> Self {
        Self { inner, near: PendingChain::new(access.shard()), far: None }
    }

    /// Adds a slot that the caller owns, to be issued with `generation` next.
    pub(super) fn add(&mut self, state: &'t AtomicState, index: Index, generation: usize) {
        let home = self.inner.home(index);
        if ptr::eq(home, self.near.home) {
            return self.near.add(state, index, generation);
        }
        if !matches!(&self.far, Some(far) if ptr::eq(home, far.home)) {
            self.far = None;
        }
        let far = self.far.get_or_insert_with(|| PendingChain::new(home));
        far.add(state, index, generation);
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
            self.home.free_chain(chain);
        }
    }
}
