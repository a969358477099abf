//! A list of the readers, for people.

use std::time::Duration;

use super::{
    eras::is_before,
    ticket,
    world::{world, World},
};
use crate::reader::{Reader, NAME_BYTES};

/// All readers, those that were in somebody's way first, for the longest time first.
pub(crate) fn readers() -> Vec<Reader> {
    // What is noted of a reader here is not told of the thread's next one, which pins later.
    Moment::now();
    readers_of(&world(), |_| true)
}

/// The reader that is known to have held on for the longest time.
pub(crate) fn oldest_reader() -> Option<Reader> {
    readers().into_iter().next()
}

/// The era of a moment, which tells the readers of before it from later ones.
#[derive(Clone, Copy)]
pub(crate) struct Moment(usize);

impl Moment {
    /// Begins an era; not under loom, since it only helps people.
    pub(crate) fn now() -> Self {
        let world = world();
        Self(if cfg!(loom) { world.eras.next_era() } else { ticket::begin_era(&world) })
    }

    /// The reader from before this that is known to have held on for the longest time. Readers
    /// without a record count as one from before, whenever they began.
    pub(crate) fn oldest_reader_before(self) -> Option<Reader> {
        readers_of(&world(), |era| is_before(era, self.0)).into_iter().next()
    }
}

fn readers_of(world: &World, is_asked_for: impl Fn(usize) -> bool) -> Vec<Reader> {
    let of_record = |record: &super::record::Record| {
        let era = record.era().filter(|era| is_asked_for(*era))?;
        record.note_in_the_way();
        let held = record.who.time_in_the_way(era);
        Some(Reader::new(record.who.name(), record.who.id() as u64, held))
    };
    let mut readers = Vec::new();
    for record in world.used_records() {
        readers.extend(of_record(record));
    }
    if world.outsiders.are_in_the_way(None) {
        readers.push(Reader::new([0; NAME_BYTES], 0, Duration::ZERO));
    }
    readers.sort_by_key(|reader| std::cmp::Reverse(reader.held_for()));
    readers
}
