//! Passes over the slots of a table: they visit the live ones, or count all.

use std::mem;

use super::{body::Inner, drops::UnlinkedSlots};
use crate::{
    epoch::{self, Guard},
    handle::RawHandle,
    shard::Shard,
    slots::{LiveState, Phase, Slot, SlotLayout},
    stats::Stats,
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

    /// Handles issued and not deleted.
    pub(crate) fn len(&self) -> usize {
        // Deleted handles first: a handle that is counted there was issued before. The counts are
        // Relaxed, so the difference may still be negative for a moment.
        let deleted: usize = sum(&self.shards, Shard::deleted);
        let issued: usize = sum(&self.shards, Shard::issued);
        usize::try_from(issued.wrapping_sub(deleted) as isize).unwrap_or(0)
    }

    /// Counts all slots by their phase.
    pub(crate) fn stats(&self) -> Stats {
        let mut stats = Stats {
            shards: self.shards.len(),
            drop_panics: self.drop_panics(),
            oldest_reader: epoch::oldest_reader().map(|reader| reader.held_for()),
            bytes: size_of::<Self>() + size_of_val(&*self.shards) + self.slots.bytes(),
            ..Stats::default()
        };
        for (_, slot) in self.used_slots() {
            let state = slot.state().load();
            match state.phase() {
                Phase::Live => stats.live += 1,
                // The slot of a trivial value is never vacated first. Without a next generation it
                // is exhausted.
                Phase::Limbo if SlotLayout::<T>::TRIVIAL && !state.vacated().is_issuable() => {
                    stats.exhausted += 1;
                }
                Phase::Limbo => stats.pending += 1,
                Phase::Vacant if state.is_issuable() => stats.vacant += 1,
                // A vacant one is out of generations, and not yet taken off its list.
                Phase::Vacant | Phase::Exhausted => stats.exhausted += 1,
            }
        }
        if SlotLayout::<T>::TRIVIAL {
            // Slots in limbo that are in no sealed batch count as vacant: they are on a free list,
            // or in the open batch of their thread.
            let waiting = sum(&self.shards, |shard| shard.sealed().waiting());
            let waiting = waiting.min(stats.pending);
            stats.vacant += stats.pending - waiting;
            stats.pending = waiting;
        }
        stats.bytes += (stats.live + stats.pending) * SlotLayout::<T>::BOX_BYTES;
        stats
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

fn sum<T>(shards: &[Shard<T>], of: impl Fn(&Shard<T>) -> usize) -> usize {
    shards.iter().map(of).fold(0, usize::wrapping_add)
}
