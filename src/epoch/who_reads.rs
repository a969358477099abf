//! A list of the readers, for people.

use std::time::Duration;

use super::world::world;
use crate::reader::{Reader, NAME_BYTES};

/// All readers, those that were in somebody's way first, for the longest time first.
pub(crate) fn readers() -> Vec<Reader> {
    let world = world();
    let of_record = |record: &super::record::Record| {
        let era = record.era()?;
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

/// The reader that is known to have held on for the longest time.
pub(crate) fn oldest_reader() -> Option<Reader> {
    readers().into_iter().next()
}
