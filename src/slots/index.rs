//! Where a slot stands in its table: shard, segment of that shard, place in that segment.
//!
//! ```text
//!            shard       segment     place
//! 64-bit     s bits      5 bits      27 - s bits
//! 32-bit     s bits      5 bits      15 - s bits      of a table with 2^s shards
//! ```
//!
//! Shard and segment together are the number of an entry in the table's directory, so a look-up
//! finds its segment with one shift, whatever the integer. A shard's entries lie together, and most
//! of its slots are in its last segments, so look-ups use a few cache lines that stay hot. The
//! indices of a segment's slots are consecutive. A shard's segments double in length, from
//! `2^FIRST_SEGMENT_BITS` slots up to as many as a place can number, and keep that length from then
//! on.

use crate::config::{FIRST_SEGMENT_BITS, INDEX_BITS, INDEX_MASK, MAX_SHARDS, SEGMENT_BITS};

/// The most segments that a shard can have.
const SEGMENTS: usize = 1 << SEGMENT_BITS;
const _: () = assert!(INDEX_BITS - SEGMENT_BITS - MAX_SHARDS.ilog2() >= FIRST_SEGMENT_BITS);

/// How the bits of an index are shared out in a table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct IndexLayout {
    place_bits: u32,
}

impl IndexLayout {
    /// The layout of a table with that many shards, a power of two.
    pub(crate) fn new(shards: usize) -> Self {
        debug_assert!(shards.is_power_of_two() && shards <= MAX_SHARDS);
        Self { place_bits: INDEX_BITS - SEGMENT_BITS - shards.ilog2() }
    }

    /// Entries of the directory: the segments of all shards.
    pub(crate) fn entries(self) -> usize {
        1 << (INDEX_BITS - self.place_bits)
    }

    /// Bits of the place, below those of the directory entry.
    #[inline]
    pub(crate) fn place_bits(self) -> u32 {
        self.place_bits
    }

    /// The number of the shard that an index belongs to.
    #[inline]
    pub(crate) fn shard(self, index: Index) -> usize {
        index.0 >> (self.place_bits + SEGMENT_BITS)
    }

    /// All indices of a shard.
    pub(crate) fn range(self, shard: usize) -> IndexRange {
        IndexRange { first: self.first(shard * SEGMENTS), len: SEGMENTS << self.place_bits }
    }

    /// The index of the first slot of a segment, by its directory entry.
    pub(crate) fn first(self, entry: usize) -> Index {
        Index(entry << self.place_bits)
    }

    /// How many slots the segment with this directory entry has.
    pub(crate) fn segment_len(self, entry: usize) -> usize {
        let segment = entry as u32 & ((1 << SEGMENT_BITS) - 1);
        1 << (FIRST_SEGMENT_BITS + segment).min(self.place_bits)
    }

    /// How many slots its segment has from this one on.
    pub(crate) fn left_in_segment(self, index: Index) -> usize {
        let entry = index.entry(self.place_bits);
        self.first(entry).0 + self.segment_len(entry) - index.0
    }

    /// How many slots a shard has: all but the last one, whose index may be [`Link::END`].
    pub(crate) fn slots_per_shard(self) -> usize {
        self.first_of(SEGMENTS) - 1
    }

    /// The number, in its shard, of the first slot of a segment.
    fn first_of(self, segment: usize) -> usize {
        // While segments double, all segments before one have together as many slots as it has,
        // less one first segment. From the first one of full length on, all are of that length.
        let doubling = segment.min((self.place_bits - FIRST_SEGMENT_BITS) as usize);
        let begin = (1_usize << (doubling as u32 + FIRST_SEGMENT_BITS)) - (1 << FIRST_SEGMENT_BITS);
        begin + ((segment - doubling) << self.place_bits)
    }

    /// The index of a shard's slot, by its number in the shard.
    pub(crate) fn index(self, number: usize, shard: usize) -> Index {
        debug_assert!(number < self.slots_per_shard());
        let doubling = (number + (1 << FIRST_SEGMENT_BITS)).ilog2() - FIRST_SEGMENT_BITS;
        let full = (self.place_bits - FIRST_SEGMENT_BITS) as usize;
        let segment = match number.checked_sub(self.first_of(full)) {
            Some(beyond) => full + (beyond >> self.place_bits),
            None => doubling as usize,
        };
        let place = number - self.first_of(segment);
        Index(self.first(shard * SEGMENTS + segment).0 | place)
    }
}

/// The indices of one shard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IndexRange {
    first: Index,
    /// A power of two: the indices differ from the first one only in the bits below it.
    len: usize,
}

impl IndexRange {
    #[inline]
    pub(crate) fn contains(self, index: Index) -> bool {
        index.0 ^ self.first.0 < self.len
    }
}

/// Where a slot stands in its table, as the module's head shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Index(usize);

impl Index {
    /// Takes any bits below `2^INDEX_BITS`.
    #[inline]
    pub(crate) fn from_bits(bits: usize) -> Self {
        Self(bits)
    }

    #[inline]
    pub(crate) fn bits(self) -> usize {
        self.0
    }

    /// The directory entry of the slot's segment.
    #[inline]
    pub(crate) fn entry(self, place_bits: u32) -> usize {
        self.0 >> place_bits
    }
}

/// The index bits of a state that is not live: the next slot of a list, or the list's end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Link(usize);

impl Link {
    /// No slot follows.
    pub(crate) const END: Self = Self(INDEX_MASK);

    #[inline]
    pub(crate) fn from_bits(bits: usize) -> Self {
        Self(bits)
    }

    #[inline]
    pub(crate) fn bits(self) -> usize {
        self.0
    }

    #[inline]
    pub(crate) fn to(index: Index) -> Self {
        Self(index.0)
    }

    #[inline]
    pub(crate) fn next(self) -> Option<Index> {
        (self != Self::END).then_some(Index(self.0))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::scaled::scaled;

    #[test]
    fn an_index_tells_its_shard() {
        let layout = IndexLayout::new(8);
        for shard in 0..8 {
            for number in [0, 1, 77, layout.slots_per_shard() - 1] {
                let index = layout.index(number, shard);
                assert_eq!(layout.shard(index), shard);
                for other in 0..8 {
                    assert_eq!(layout.range(other).contains(index), other == shard);
                }
            }
        }
    }

    #[test]
    fn slot_numbers_fill_one_segment_after_the_other() {
        for shards in [1, 2, 8, 64, 1024] {
            let layout = IndexLayout::new(shards);
            let shard = shards - 1;
            // Of 1,024 shards, several segments of full length.
            let mut expected = (0, 0);
            for number in 0..scaled(500_000).min(layout.slots_per_shard()) {
                let index = layout.index(number, shard);
                let entry = index.entry(layout.place_bits());
                assert_eq!((entry % SEGMENTS, entry / SEGMENTS), (expected.0, shard));
                assert_eq!(index.0 - layout.first(entry).0, expected.1);
                let left = layout.segment_len(entry) - expected.1;
                assert_eq!(layout.left_in_segment(index), left);
                expected.1 += 1;
                if expected.1 == layout.segment_len(entry) {
                    expected = (expected.0 + 1, 0);
                }
            }
        }
    }

    #[test]
    fn the_last_slot_of_a_table_does_not_end_a_list() {
        for bits in 0..=10 {
            let layout = IndexLayout::new(1 << bits);
            let last = layout.index(layout.slots_per_shard() - 1, (1 << bits) - 1);
            let entry = last.entry(layout.place_bits());
            assert_eq!(entry, layout.entries() - 1, "the last segment of the last shard");
            let place = last.0 - layout.first(entry).0;
            assert_eq!(place, layout.segment_len(entry) - 2);
            assert_ne!(Link::to(last), Link::END);
            assert_eq!(Link::to(last).next(), Some(last));
        }
    }

    #[test]
    fn a_table_can_hold_a_billion() {
        // Unit tests have smaller first segments, and so a few slots fewer.
        let least = match INDEX_BITS {
            32 => 900_000_000,
            20 => 600_000,
            _ => 150_000,
        };
        for bits in 0..=10 {
            assert!(IndexLayout::new(1 << bits).slots_per_shard() << bits > least, "{bits}");
        }
    }
}
