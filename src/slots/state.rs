//! What a slot's state holds, and what the heads of lists hold: one word each.
//!
//! A [`Word`], from the top bit down:
//!
//! ```text
//!            phase  generation    index
//! live       10     g             the slot's own index: the word is the handle (less the key)
//! limbo      01     g             link to the next slot of the retire batch (plain: or of the free list)
//! vacant     00     g             link to the next slot of the free list (hollow: of the batch)
//! retired    00     all ones      all ones
//! ```
//!
//! A slot of plain values, those of which nothing is done when they are gone, may be issued from limbo
//! after its grace period, as if it were vacant.
//!
//! The generation only grows, so a live word occurs once in the life of a table: equality with a
//! handle is proof of identity, and no compare-exchange here can be fooled by a word that came
//! back (ABA). A page of zeroes is a page of vacant slots of generation 0.

use super::index::{Index, Link};
use crate::config::{
    GENERATION_MASK, INDEX_BITS, INDEX_MASK, LAST_GENERATION, LIMBO, LIVE, PHASE_MASK,
};

/// What a slot is doing, as its state word says it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    /// A handle names it.
    Live,
    /// Deleted; readers from before may still be looking at the value, until a grace period is over.
    Limbo,
    /// Free to be issued with the generation it shows.
    Vacant,
    /// Out of generations, never to be issued again.
    Exhausted,
}

/// A slot's state: phase, generation, and index or link. The table at the head says which.
///
/// The default is the word of a slot that was never used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct State(usize);

impl State {
    /// The end of a slot's life.
    pub(crate) const EXHAUSTED: Self = Self(GENERATION_MASK | INDEX_MASK);

    pub(crate) fn from_bits(bits: usize) -> Self {
        Self(bits)
    }

    pub(crate) fn bits(self) -> usize {
        self.0
    }

    fn new(phase: usize, generation: usize, low: usize) -> Self {
        // One more than the last: that of a slot that waits to be retired.
        debug_assert!(generation <= LAST_GENERATION + 1 && low <= INDEX_MASK);
        Self(phase | generation << INDEX_BITS | low)
    }

    /// The word of a slot that may be issued with `generation`, linked into a free list.
    #[inline]
    pub(crate) fn vacant(generation: usize, link: Link) -> Self {
        Self::new(0, generation, link.bits())
    }

    #[inline]
    pub(crate) fn generation(self) -> usize {
        (self.0 & GENERATION_MASK) >> INDEX_BITS
    }

    /// The word with which the slot can be issued next: of a limbo word, when its grace period is
    /// over, vacant and of the next generation; a vacant one itself.
    #[inline]
    pub(crate) fn vacated(self) -> Self {
        let limbo = self.0 & LIMBO;
        // From the phase's lower bit to the generation's lowest.
        let one = limbo >> (LIMBO.trailing_zeros() - INDEX_BITS);
        Self((self.0 ^ limbo) + one)
    }

    /// The same with another link.
    pub(crate) fn with_link(self, link: Link) -> Self {
        Self(self.0 & !INDEX_MASK | link.bits())
    }

    /// Meaningful in limbo and vacant words.
    #[inline]
    pub(crate) fn link(self) -> Link {
        Link::from_bits(self.0 & INDEX_MASK)
    }

    pub(crate) fn phase(self) -> Phase {
        match self.0 & PHASE_MASK {
            LIVE => Phase::Live,
            LIMBO => Phase::Limbo,
            _ if self == Self::EXHAUSTED => Phase::Exhausted,
            _ => Phase::Vacant,
        }
    }
}

/// A word with the top bit of a live one: the only kind that may be compared with a slot's state.
///
/// Without that bit a forged integer could equal the state of a vacant slot. With it, equality
/// means that the slot is live and that this is its one handle: no state has top bits `11`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct LiveState(usize);

impl LiveState {
    /// The word that the handle of `index` in `generation` stands for.
    #[inline]
    pub(crate) fn new(generation: usize, index: Index) -> Self {
        Self(State::new(LIVE, generation, index.bits()).0)
    }

    /// Takes any integer; `None` if no handle looks like that.
    #[inline]
    pub(crate) fn checked(bits: usize) -> Option<Self> {
        // Only the top bit: the second is covered by the comparison with the slot's state.
        ((bits as isize) < 0).then_some(Self(bits))
    }

    /// The same of a slot's state; `None` if it is not live.
    pub(crate) fn of(state: State) -> Option<Self> {
        (state.phase() == Phase::Live).then_some(Self(state.0))
    }

    #[inline]
    pub(crate) fn bits(self) -> usize {
        self.0
    }

    #[inline]
    pub(crate) fn word(self) -> State {
        State(self.0)
    }

    #[inline]
    pub(crate) fn index(self) -> Index {
        Index::from_bits(self.0 & INDEX_MASK)
    }

    /// The word of its slot once it is deleted. Of a word that was made up it makes something, too.
    #[inline]
    pub(crate) fn limbo(self, link: Link) -> State {
        State((self.0 & GENERATION_MASK) | LIMBO | link.bits())
    }
}

/// The top of a stack of vacant slots that several threads pop: the slot's index *and* its
/// generation. A slot is pushed once per generation, so a top that compares equal has been the
/// top all along, and its link is still the one that was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TaggedHead(usize);

impl TaggedHead {
    /// Nothing on the stack. No slot of generation 0 is ever pushed, so no top is zero.
    pub(crate) const EMPTY: Self = Self(0);

    /// The top that names a vacant slot of this generation.
    pub(crate) fn new(generation: usize, index: Index) -> Self {
        Self::of(State::vacant(generation, Link::END), index)
    }

    /// The top that names the slot with this state. Of a state that is not vacant it makes
    /// something that is no top, or that of another generation than was on the stack.
    pub(crate) fn of(state: State, index: Index) -> Self {
        Self(state.0 & !INDEX_MASK | index.bits())
    }

    pub(crate) fn from_bits(bits: usize) -> Self {
        Self(bits)
    }

    pub(crate) fn bits(self) -> usize {
        self.0
    }

    /// The slot on top.
    pub(crate) fn index(self) -> Option<Index> {
        (self != Self::EMPTY).then_some(Index::from_bits(self.0 & INDEX_MASK))
    }

    /// What a slot pushed onto this top links to.
    pub(crate) fn link(self) -> Link {
        self.index().map_or(Link::END, Link::to)
    }
}

/// The head of a stack of deleted slots that many threads push and one takes whole: the first
/// slot, and how many there are (saturating: it only says when a batch is due).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct CountedHead(usize);

impl CountedHead {
    pub(crate) const EMPTY: Self = Self(0);

    pub(crate) fn from_bits(bits: usize) -> Self {
        Self(bits)
    }

    pub(crate) fn bits(self) -> usize {
        self.0
    }

    pub(crate) fn len(self) -> usize {
        State(self.0).generation()
    }

    pub(crate) fn link(self) -> Link {
        if self == Self::EMPTY {
            Link::END
        } else {
            State(self.0).link()
        }
    }

    /// With `index` on top.
    pub(crate) fn push(self, index: Index) -> Self {
        let most = GENERATION_MASK >> INDEX_BITS;
        let len = (self.len() + 1).min(most);
        Self(len << INDEX_BITS | index.bits())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::slots::IndexLayout;

    fn index(number: usize) -> Index {
        IndexLayout::new(8).index(number, 0)
    }

    #[test]
    fn only_a_live_word_equals_a_handle() {
        let index = index(1);
        let live = LiveState::new(3, index);
        assert_eq!(LiveState::checked(live.bits()), Some(live));
        assert_eq!(live.word().phase(), Phase::Live);
        for other in [
            live.limbo(Link::to(index)),
            State::vacant(3, Link::to(index)),
            State::EXHAUSTED,
            State::default(),
        ] {
            assert_ne!(other.phase(), Phase::Live);
            assert_eq!(LiveState::checked(other.bits()), None, "{other:?}");
        }
        // Both fixed bits set: no state has that, so it can be compared, and is never equal.
        let both = LiveState::checked(live.bits() | LIMBO).map(LiveState::word);
        assert!(both.is_some_and(|word| word.phase() != Phase::Live));
    }

    #[test]
    fn a_top_is_never_empty_and_names_its_slot() {
        let first = index(0);
        let top = TaggedHead::new(1, first);
        assert_ne!(top, TaggedHead::EMPTY);
        assert_eq!(top.index(), Some(first));
        assert_eq!(top, TaggedHead::of(State::vacant(1, Link::END), first));
        assert_ne!(top, TaggedHead::of(State::vacant(2, Link::END), first));
        assert_eq!(TaggedHead::EMPTY.link(), Link::END);
    }

    #[test]
    fn a_pile_counts_and_saturates() {
        let index = index(0);
        let mut pile = CountedHead::EMPTY;
        assert_eq!(pile.link(), Link::END);
        for len in 1..=2000 {
            pile = pile.push(index);
            assert_eq!(pile.len(), len.min(GENERATION_MASK >> INDEX_BITS));
            assert_eq!(pile.link().next(), Some(index));
        }
    }
}
