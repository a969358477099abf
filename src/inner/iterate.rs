//! What goes over the slots of a table, to visit the live ones or to count all.

use super::body::Inner;
use crate::{
    epoch::{self, Guard},
    handle::Handle,
    shard::Shard,
    slots::{Phase, SlotLayout},
    stats::Stats,
};

/// Slots that [`Inner::for_each_live`] visits before it lets reclamation go on.
const SLOTS_PER_PIN: usize = 64;

/// Where an iteration stands: shard, and the number of its next slot.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Position {
    shard: usize,
    slot: usize,
}

impl<T> Inner<T> {
    /// The next live slot from `from` on: its handle, its value, and where to go on.
    pub(crate) fn next_live<'g>(
        &'g self,
        from: Position,
        guard: &'g Guard,
    ) -> Option<(Handle, &'g T, Position)> {
        let mut first = from.slot;
        for number in from.shard..self.shards.len() {
            for (nth, slot) in self.shards[number].used_slots(&self.slots, first) {
                if let Some(handle) = self.handle_of(slot.state().load()) {
                    // SAFETY: the state was live after `guard` was pinned.
                    let value = unsafe { slot.value_ref(guard) };
                    let next = Position { shard: number, slot: nth + 1 };
                    return Some((handle, value, next));
                }
            }
            first = 0;
        }
        None
    }

    /// Calls `f` with every live handle and its value, and repins now and then.
    pub(crate) fn for_each_live(&self, mut f: impl FnMut(Handle, &T)) {
        let mut guard = epoch::pin();
        for shard in &self.shards {
            for (nth, slot) in shard.used_slots(&self.slots, 0) {
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

    /// Handles issued and not deleted.
    pub(crate) fn len(&self) -> usize {
        // Deleted handles first: a handle that is counted there was issued before.
        let deleted: usize = sum(&self.shards, Shard::deleted);
        let issued: usize = sum(&self.shards, Shard::issued);
        usize::try_from(issued.wrapping_sub(deleted) as isize).unwrap_or(0)
    }

    /// Counts all slots by their phase.
    pub(crate) fn stats(&self) -> Stats {
        let mut stats = Stats {
            shards: self.shards.len(),
            drop_panics: self.drop_panics(),
            bytes: size_of::<Self>() + size_of_val(&*self.shards) + self.slots.bytes(),
            ..Stats::default()
        };
        for slot in self.used_slots() {
            let state = slot.state().load();
            match state.phase() {
                Phase::Live => stats.live += 1,
                // A trivial value needs nothing more, so its slot is out of generations already.
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
            // The other slots in limbo are as good as vacant.
            let waiting = sum(&self.shards, |shard| shard.sealed().waiting());
            let waiting = waiting.min(stats.pending);
            stats.vacant += stats.pending - waiting;
            stats.pending = waiting;
        }
        stats.bytes += (stats.live + stats.pending) * SlotLayout::<T>::BOX_BYTES;
        stats
    }
}

fn sum<T>(shards: &[Shard<T>], of: impl Fn(&Shard<T>) -> usize) -> usize {
    shards.iter().map(of).fold(0, usize::wrapping_add)
}
