//! Passes over the live values of a table.

use std::mem;

use super::{body::Inner, drops::UnlinkedSlots};
use crate::{
    epoch::{self, Guard},
    handle::RawHandle,
    slots::{LiveState, Slot, SlotLayout},
};

/// [`Inner::for_each_live`] repins after each slot whose number in its shard is a multiple of this.
const SLOTS_PER_PIN: usize = 64;

/// Where an iteration stands: shard, the number of its next slot, and the number after its last one
/// when the iteration came to it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Position {
    shard: usize,
    slot: usize,
    end: Option<usize>,
}

impl<T> Inner<T> {
    /// The next live slot, with its handle and its value. `at` moves on behind it.
    pub(crate) fn next_live<'g>(
        &'g self,
        at: &mut Position,
        guard: &'g Guard,
    ) -> Option<(RawHandle, &'g T)> {
        let (slot, live) = self.next_live_slot(at)?;
        // SAFETY: the state was live after `guard` was pinned.
        Some((self.handle(live), unsafe { slot.value_ref(guard) }))
    }

    /// The next slot that may have been used. `at` moves on behind it. A shard ends where it ended
    /// when the iteration came to it: so every iteration ends, whatever is inserted meanwhile.
    fn next_used(&self, at: &mut Position) -> Option<Slot<'_, T>> {
        while let Some(shard) = self.shards.get(at.shard) {
            let end = *at.end.get_or_insert_with(|| shard.used());
            if let Some((number, slot)) = shard.slots(&self.slots, at.slot..end).next() {
                at.slot = number + 1;
                return Some(slot);
            }
            *at = Position { shard: at.shard + 1, ..Position::default() };
        }
        None
    }

    /// The next slot that was found live, and its state then. `at` moves on behind it.
    pub(super) fn next_live_slot(&self, at: &mut Position) -> Option<(Slot<'_, T>, LiveState)> {
        while let Some(slot) = self.next_used(at) {
            if let Some(live) = LiveState::of(slot.state().load()) {
                return Some((slot, live));
            }
        }
        None
    }

    /// Calls `f` with every live handle and its value, and repins now and then.
    pub(crate) fn for_each_live(&self, mut f: impl FnMut(RawHandle, &T)) {
        let mut guard = epoch::pin();
        for shard in &self.shards {
            for (nth, slot) in shard.slots(&self.slots, 0..shard.used()) {
                if let Some(handle) = self.handle_of(slot.state().load()) {
                    // SAFETY: the state was live after `guard` was pinned.
                    f(handle, unsafe { slot.value_ref(&guard) });
                }
                if nth % SLOTS_PER_PIN == SLOTS_PER_PIN - 1 {
                    guard.repin();
                }
            }
        }
    }

    /// Deletes every live handle for whose value `keep` returns `false`; returns how many. Their
    /// values are dropped after the pass, behind one look at the readers.
    pub(crate) fn retain(&self, mut keep: impl FnMut(RawHandle, &T) -> bool) -> usize {
        let mut pass = Pass { inner: self, unlinked: UnlinkedSlots::new(), deleted: 0 };
        self.for_each_live(|handle, value| {
            if !keep(handle, value) {
                pass.delete(handle);
            }
        });
        pass.deleted
    }
}

/// A pass that deletes. What it has deleted is retired at its end, also if `keep` panics.
struct Pass<'t, T> {
    inner: &'t Inner<T>,
    unlinked: UnlinkedSlots,
    deleted: usize,
}

impl<T> Pass<'_, T> {
    /// Deletes a handle, unless another thread has: that serves as well.
    fn delete(&mut self, handle: RawHandle) {
        let deleted = if SlotLayout::<T>::TRIVIAL {
            self.inner.delete(handle).is_some()
        } else {
            self.inner.unlink_into(handle, &mut self.unlinked)
        };
        self.deleted += usize::from(deleted);
    }
}

impl<T> Drop for Pass<'_, T> {
    fn drop(&mut self) {
        let slots = mem::replace(&mut self.unlinked, UnlinkedSlots::new());
        self.inner.retire_all(slots);
    }
}
