//! Every width in one file: the bits of a handle and of a slot's state, and the sizes of arrays
//! and batches.
//!
//! A [`Word`] is what a slot's state holds. From the top bit down:
//!
//! ```text
//!            phase       generation    index
//! 64-bit     2 bits      30 bits       32 bits
//! 32-bit     2 bits      10 bits       20 bits
//!
//! live       10          g             the slot's own index: the word is the handle (less the key)
//! limbo      01          g             link to the next slot of the retire batch
//! vacant     00          g             link to the next slot of the free list
//! retired    00          all ones      all ones
//! ```
//!
//! `index = slot number << shard bits | shard number`. The generation only grows, so a live word
//! occurs once in the life of a table: equality with a handle is proof of identity, and no
//! compare-exchange here can be fooled by a word that came back (ABA). A page of zeroes is a page
//! of vacant slots of generation 0.

/// Bits of the index: slot number and shard number together.
pub(crate) const INDEX_BITS: u32 = if usize::BITS == 64 { 32 } else { 20 };
/// Bits of the phase, at the top of the word.
const PHASE_BITS: u32 = 2;
/// Bits of the generation, between phase and index.
const GENERATION_BITS: u32 = usize::BITS - PHASE_BITS - INDEX_BITS;

/// The index's bits of a word; no slot number has others.
pub(crate) const INDEX_MASK: usize = (1 << INDEX_BITS) - 1;
const GENERATION_MASK: usize = ((1 << GENERATION_BITS) - 1) << INDEX_BITS;
/// The part of a word that a table's key may change: all but the phase, so that a handle keeps
/// its top bits `10` and is never zero.
pub(crate) const KEY_MASK: usize = GENERATION_MASK | INDEX_MASK;

const LIVE: usize = 0b10 << (usize::BITS - PHASE_BITS);
const LIMBO: usize = 0b01 << (usize::BITS - PHASE_BITS);
const PHASE_MASK: usize = 0b11 << (usize::BITS - PHASE_BITS);

/// A build in which rare paths are common: unit tests, loom models, `--cfg handle_table_small`.
const SMALL: bool = cfg!(any(test, loom, handle_table_small));

/// A slot is issued with generations 0 to this one, then retired for good.
pub(crate) const LAST_GENERATION: usize = if SMALL { 5 } else { (1 << GENERATION_BITS) - 2 };
// No vacant word may look like the retired one.
const _: () = assert!(LAST_GENERATION < GENERATION_MASK >> INDEX_BITS);
/// log2 of the slots in a shard's first segment; each later segment is twice the one before.
pub(crate) const FIRST_SEGMENT_BITS: u32 = if SMALL { 1 } else { 5 };
/// Fresh slots that an owner takes from its shard at a time.
pub(crate) const BLOCK: usize = if SMALL { 2 } else { 32 };
/// Segments of a shard; with one more entry in the directory that is always empty, so that no
/// index that fits its bits can reach past the end.
pub(crate) const SEGMENTS: usize = (INDEX_BITS - FIRST_SEGMENT_BITS) as usize;
/// Shards of a table, at the most, and threads that can own one.
pub(crate) const MAX_SHARDS: usize = if cfg!(loom) { 4 } else { 1024 };

/// Deletes that are retired together, and their bytes at the most (`T` alone, not what it owns).
const BATCH: usize = if cfg!(loom) {
    1
} else if SMALL {
    4
} else {
    128
};
const BATCH_BYTES: usize = 1 << 17;
/// Batches of one shard that may wait for their grace period before its owner gives way.
pub(crate) const BACKLOG: usize = 8;
/// How many deletes make a batch, for values of `size` bytes.
pub(crate) const fn batch_limit(size: usize) -> usize {
    bounded(BATCH, BATCH_BYTES, size)
}

/// `count`, or fewer where `count` values of `size` bytes would pass `bytes`; at least one.
const fn bounded(count: usize, bytes: usize, size: usize) -> usize {
    let fit = match bytes.checked_div(size) {
        Some(fit) => fit,
        None => count,
    };
    match (fit < count, fit) {
        (false, _) => count,
        (true, 0) => 1,
        (true, fit) => fit,
    }
}

/// Slots of one shard, at the most: the index bits that its shard number leaves, less what the
/// directory of segments cannot hold, less one, so that [`Link::END`] is no slot's index.
pub(crate) const fn slots_per_shard(shard_bits: u32) -> usize {
    let by_index = 1 << (INDEX_BITS - shard_bits);
    let by_segments = (1 << INDEX_BITS) - (1 << FIRST_SEGMENT_BITS);
    (if by_index < by_segments {
        by_index
    } else {
        by_segments
    }) - 1
}

/// Where a slot stands in its table: `slot number << shard bits | shard number`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Index(usize);

impl Index {
    pub(crate) fn new(slot: usize, shard: usize, shard_bits: u32) -> Self {
        debug_assert!(slot < slots_per_shard(shard_bits));
        Self(slot << shard_bits | shard)
    }

    /// The number of its shard, of so many: a power of two, and more than any number returned.
    #[inline]
    pub(crate) fn shard(self, shards: usize) -> usize {
        self.0 & (shards - 1)
    }

    /// Its number within the shard.
    #[inline]
    pub(crate) fn slot(self, shard_bits: u32) -> usize {
        self.0 >> shard_bits
    }
}

/// The index half of a word that is not live: the next slot of a list, or the list's end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Link(usize);

impl Link {
    /// No slot follows.
    pub(crate) const END: Self = Self(INDEX_MASK);

    pub(crate) fn to(index: Index) -> Self {
        Self(index.0)
    }

    #[inline]
    pub(crate) fn next(self) -> Option<Index> {
        (self != Self::END).then_some(Index(self.0))
    }
}

/// What a slot is doing, as its state word says it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    /// A handle names it.
    Live,
    /// Deleted; readers from before may still be looking at the value.
    Limbo,
    /// Free to be issued with the generation it shows.
    Vacant,
    /// Out of generations, never to be issued again.
    Retired,
}

/// A slot's state: phase, generation, and index or link. The table at the head says which.
///
/// The default is the word of a slot that was never used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Word(usize);

impl Word {
    /// The end of a slot's life.
    pub(crate) const RETIRED: Self = Self(GENERATION_MASK | INDEX_MASK);

    pub(crate) fn from_bits(bits: usize) -> Self {
        Self(bits)
    }

    pub(crate) fn bits(self) -> usize {
        self.0
    }

    fn new(phase: usize, generation: usize, low: usize) -> Self {
        debug_assert!(generation <= LAST_GENERATION && low <= INDEX_MASK);
        Self(phase | generation << INDEX_BITS | low)
    }

    /// The word of a deleted slot that is linked into a retire batch.
    #[inline]
    pub(crate) fn limbo(generation: usize, link: Link) -> Self {
        Self::new(LIMBO, generation, link.0)
    }

    /// The word of a slot that may be issued with `generation`, linked into a free list.
    #[inline]
    pub(crate) fn vacant(generation: usize, link: Link) -> Self {
        Self::new(0, generation, link.0)
    }

    #[inline]
    pub(crate) fn generation(self) -> usize {
        (self.0 & GENERATION_MASK) >> INDEX_BITS
    }

    /// Meaningful in limbo and vacant words.
    #[inline]
    pub(crate) fn link(self) -> Link {
        Link(self.0 & INDEX_MASK)
    }

    pub(crate) fn phase(self) -> Phase {
        match self.0 & PHASE_MASK {
            LIVE => Phase::Live,
            LIMBO => Phase::Limbo,
            _ if self == Self::RETIRED => Phase::Retired,
            _ => Phase::Vacant,
        }
    }
}

/// A word with the top bit of a live one: the only kind that may be compared with a slot's state.
///
/// Without that bit a forged integer could equal the state of a vacant slot. With it, equality
/// means that the slot is live and that this is its one handle: no state has top bits `11`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct LiveWord(usize);

impl LiveWord {
    /// The word that the handle of `index` in `generation` stands for.
    #[inline]
    pub(crate) fn new(generation: usize, index: Index) -> Self {
        Self(Word::new(LIVE, generation, index.0).0)
    }

    /// Takes any integer; `None` if no handle looks like that.
    #[inline]
    pub(crate) fn checked(bits: usize) -> Option<Self> {
        // Only the top bit: the second is covered by the comparison with the slot's state.
        ((bits as isize) < 0).then_some(Self(bits))
    }

    #[inline]
    pub(crate) fn bits(self) -> usize {
        self.0
    }

    #[inline]
    pub(crate) fn word(self) -> Word {
        Word(self.0)
    }

    #[inline]
    pub(crate) fn index(self) -> Index {
        Index(self.0 & INDEX_MASK)
    }

    /// The word of its slot once it is deleted. Of a word that was made up it makes something, too.
    #[inline]
    pub(crate) fn limbo(self, link: Link) -> Word {
        Word((self.0 & GENERATION_MASK) | LIMBO | link.0)
    }
}

/// The top of a stack of vacant slots that several threads pop: the slot's index *and* its
/// generation. A slot is pushed once per generation, so a top that compares equal has been the
/// top all along, and its link is still the one that was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Top(usize);

impl Top {
    /// Nothing on the stack. No slot of generation 0 is ever pushed, so no top is zero.
    pub(crate) const EMPTY: Self = Self(0);

    /// The top that names a vacant slot of this generation.
    pub(crate) fn new(generation: usize, index: Index) -> Self {
        Self::of(Word::vacant(generation, Link::END), index)
    }

    /// The top that names the slot with this state. Of a state that is not vacant it makes
    /// something that is no top, or that of another generation than was on the stack.
    pub(crate) fn of(state: Word, index: Index) -> Self {
        Self(state.0 & !INDEX_MASK | index.0)
    }

    pub(crate) fn from_bits(bits: usize) -> Self {
        Self(bits)
    }

    pub(crate) fn bits(self) -> usize {
        self.0
    }

    /// The slot on top.
    pub(crate) fn index(self) -> Option<Index> {
        (self != Self::EMPTY).then_some(Index(self.0 & INDEX_MASK))
    }

    /// What a slot pushed onto this top links to.
    pub(crate) fn link(self) -> Link {
        self.index().map_or(Link::END, Link::to)
    }
}

/// The head of a stack of deleted slots that many threads push and one takes whole: the first
/// slot, and how many there are (saturating: it only says when a batch is due).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Pile(usize);

impl Pile {
    pub(crate) const EMPTY: Self = Self(0);

    pub(crate) fn from_bits(bits: usize) -> Self {
        Self(bits)
    }

    pub(crate) fn bits(self) -> usize {
        self.0
    }

    pub(crate) fn len(self) -> usize {
        Word(self.0).generation()
    }

    pub(crate) fn link(self) -> Link {
        if self == Self::EMPTY {
            Link::END
        } else {
            Word(self.0).link()
        }
    }

    /// With `index` on top.
    pub(crate) fn push(self, index: Index) -> Self {
        let most = GENERATION_MASK >> INDEX_BITS;
        let len = (self.len() + 1).min(most);
        Self(len << INDEX_BITS | index.0)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const SHARD_BITS: u32 = 3;

    #[test]
    fn the_widths_fill_the_word_and_do_not_overlap() {
        assert_eq!(
            PHASE_MASK | GENERATION_MASK | INDEX_MASK,
            usize::MAX,
            "every bit has a meaning"
        );
        assert_eq!(PHASE_MASK & GENERATION_MASK, 0);
        assert_eq!(GENERATION_MASK & INDEX_MASK, 0);
        assert_eq!(KEY_MASK & PHASE_MASK, 0, "no key may touch the fixed bits");
    }

    #[test]
    fn an_index_says_its_shard_and_slot() {
        let index = Index::new(77, 5, SHARD_BITS);
        assert_eq!(index.shard(1 << SHARD_BITS), 5);
        assert_eq!(index.slot(SHARD_BITS), 77);
    }

    #[test]
    fn no_slot_has_the_index_that_ends_a_list() {
        for bits in 0..=10 {
            let last = Index::new(slots_per_shard(bits) - 1, (1 << bits) - 1, bits);
            assert_ne!(Link::to(last), Link::END);
            assert_eq!(Link::to(last).next(), Some(last));
        }
    }

    #[test]
    fn only_a_live_word_equals_a_handle() {
        let index = Index::new(1, 0, SHARD_BITS);
        let live = LiveWord::new(3, index);
        assert_eq!(LiveWord::checked(live.bits()), Some(live));
        assert_eq!(live.word().phase(), Phase::Live);
        for other in [
            Word::limbo(3, Link::to(index)),
            Word::vacant(3, Link::to(index)),
            Word::RETIRED,
            Word::default(),
        ] {
            assert_ne!(other.phase(), Phase::Live);
            assert_eq!(LiveWord::checked(other.bits()), None, "{other:?}");
        }
        // Both fixed bits set: no state has that, so it can be compared, and is never equal.
        let both = LiveWord::checked(live.bits() | LIMBO).map(LiveWord::word);
        assert!(both.is_some_and(|word| word.phase() != Phase::Live));
    }

    #[test]
    fn a_top_is_never_empty_and_names_its_slot() {
        let first = Index::new(0, 0, 0);
        let top = Top::new(1, first);
        assert_ne!(top, Top::EMPTY);
        assert_eq!(top.index(), Some(first));
        assert_eq!(top, Top::of(Word::vacant(1, Link::END), first));
        assert_ne!(top, Top::of(Word::vacant(2, Link::END), first));
        assert_eq!(Top::EMPTY.link(), Link::END);
    }

    #[test]
    fn a_pile_counts_and_saturates() {
        let index = Index::new(0, 0, 0);
        let mut pile = Pile::EMPTY;
        assert_eq!(pile.link(), Link::END);
        for len in 1..=2000 {
            pile = pile.push(index);
            assert_eq!(pile.len(), len.min(GENERATION_MASK >> INDEX_BITS));
            assert_eq!(pile.link().next(), Some(index));
        }
    }

    #[test]
    fn limits_shrink_for_large_values_but_not_to_nothing() {
        assert_eq!(bounded(128, 1 << 17, 0), 128);
        assert_eq!(bounded(128, 1 << 17, 8), 128);
        assert_eq!(bounded(128, 1 << 17, 1 << 12), 32);
        assert_eq!(bounded(128, 1 << 17, 1 << 20), 1);
    }
}
