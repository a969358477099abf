//! **Counts**: the valid handles, the slots by their phase, and the handles that are left.

use std::time::Duration;

use super::body::{Inner, Limits};
use crate::{
    config::GENERATIONS,
    epoch::{self, generation_floor},
    shard::Shard,
    slots::{IndexLayout, Phase, SlotLayout, State},
    stats::Stats,
};

impl Limits {
    /// The counts of a table without a body.
    pub(super) fn unused(self) -> Stats {
        let shards = self.shards();
        Stats {
            remaining: fresh_handles(shards * slots_per_shard(shards)),
            oldest_reader: oldest_reader(),
            ..Stats::default()
        }
    }
}

impl<T> Inner<T> {
    /// Handles issued and not deleted.
    pub(crate) fn len(&self) -> usize {
        // Deleted handles first: a handle that is counted there was issued before. The counts are
        // Relaxed, so the difference may still be negative for a moment.
        let deleted: usize = sum(&self.shards, Shard::deleted);
        let issued: usize = sum(&self.shards, Shard::issued);
        usize::try_from(issued.wrapping_sub(deleted) as isize).unwrap_or(0)
    }

    /// Counts all slots by their phase, and the handles that they can still be issued with.
    pub(crate) fn stats(&self) -> Stats {
        let shards = self.shards.len();
        let mut stats = Stats {
            shards,
            drop_panics: self.drop_panics(),
            oldest_reader: oldest_reader(),
            bytes: size_of::<Self>() + size_of_val(&*self.shards) + self.slots.bytes(),
            issued: sum(&self.shards, Shard::issued) as u64,
            since: self.made,
            ..Stats::default()
        };
        let (mut used, floor) = (0, generation_floor());
        for (_, slot) in self.used_slots() {
            let state = slot.state().load();
            count_slot::<T>(&mut stats, state);
            stats.remaining += state.generations_left(floor) as u64;
            used += 1;
        }
        let fresh = shards * slots_per_shard(shards) - used;
        stats.remaining += fresh_handles(fresh);
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

/// Counts a slot by its phase.
fn count_slot<T>(stats: &mut Stats, state: State) {
    match state.phase() {
        Phase::Live => stats.live += 1,
        // The slot of a trivial value is never vacated first. Without a next generation it is
        // exhausted.
        Phase::Limbo if SlotLayout::<T>::TRIVIAL && !state.vacated().is_issuable() => {
            stats.exhausted += 1;
        }
        Phase::Limbo => stats.pending += 1,
        Phase::Vacant if state.is_issuable() => stats.vacant += 1,
        // A vacant one is out of generations, and not yet taken off its list.
        Phase::Vacant | Phase::Exhausted => stats.exhausted += 1,
    }
}

/// For how long the oldest reader has held on.
fn oldest_reader() -> Option<Duration> {
    epoch::oldest_reader().map(|reader| reader.held_for())
}

fn slots_per_shard(shards: usize) -> usize {
    IndexLayout::new(shards).slots_per_shard()
}

/// How many handles slots can be issued with that were never used.
fn fresh_handles(slots: usize) -> u64 {
    slots as u64 * GENERATIONS.saturating_sub(generation_floor()) as u64
}

fn sum<T>(shards: &[Shard<T>], of: impl Fn(&Shard<T>) -> usize) -> usize {
    shards.iter().map(of).fold(0, usize::wrapping_add)
}
