//! [`AwaySlots`]: slots of another shard that an owner has freed, and returns many at a time.
//!
//! A slot that is returned alone costs a compare-exchange on a cache line that its home writes,
//! too, and the home then finds few slots at a time. Where one thread inserts what another takes,
//! that is most of the time.

use super::lists::{Chain, TaggedHead};
use crate::{
    config::AWAY_BATCH,
    slots::{AtomicState, Index, Link, SlotArray},
};

/// Vacant slots of one shard, linked, which the owner of another one keeps.
#[derive(Default)]
pub(super) struct AwaySlots {
    /// The number of the shard that they belong to, if there are some.
    home: usize,
    len: usize,
    /// The slots from the last added one on, and the one that was added first.
    ends: Option<(TaggedHead, (Index, usize))>,
}

impl AwaySlots {
    /// Adds a slot that the caller owns and gives up, to be issued with `generation` next, or marks
    /// it as exhausted. `state` is that of its slot, which belongs to the shard `home`. Returns
    /// slots that are to be returned now, and the number of their shard.
    pub(super) fn add<'s, T>(
        &mut self,
        slots: &'s SlotArray<T>,
        home: usize,
        (state, index, generation): (&AtomicState, Index, usize),
    ) -> Option<(usize, Chain<'s>)> {
        let full = if home == self.home { None } else { self.take(slots) };
        let link = self.ends.map_or(Link::END, |(first, _)| first.link());
        if state.vacate(generation, link) {
            let last = self.ends.map_or((index, generation), |(_, last)| last);
            self.ends = Some((TaggedHead::new(generation, index), last));
            self.home = home;
            self.len += 1;
        }
        full.or_else(|| if self.len < AWAY_BATCH { None } else { self.take(slots) })
    }

    /// Takes all of them, to be returned now, with the number of their shard.
    pub(super) fn take<'s, T>(&mut self, slots: &'s SlotArray<T>) -> Option<(usize, Chain<'s>)> {
        let (first, (last, generation)) = self.ends.take()?;
        self.len = 0;
        // SAFETY: the slot was used before, and reached this thread when it was added.
        let last = unsafe { slots.directory().known(last) }.state();
        Some((self.home, Chain::from_ends(first, (last, generation))))
    }
}
