//! What a slot's state word holds.
//!
//! From the top bit down:
//!
//! ```text
//!             phase  generation    index
//! live        10     g             the slot's own index: the state is the handle before its key
//! limbo       01     g             link to the next slot of the batch or list
//! vacant      00     g             link to the next slot of the list or batch; if the handle is
//!                                  reserved, the slot's own index
//! exhausted   00     all ones      all ones
//! ```
//!
//! A *generation* counts the handles of a slot, and only grows. So a live state occurs once in the
//! life of a table. If a handle, without its key, equals a state, it is the handle of the value
//! there; and no compare-exchange on a state can be fooled by a state that returned (ABA). A page
//! of zeroes is a page of vacant slots of generation 0.

use super::index::{Index, Link};
use crate::config::{
    GENERATIONS, GENERATION_MASK, INDEX_BITS, INDEX_MASK, LAST_GENERATION, LIMBO, LIVE, PHASE_MASK,
};

/// The part of a state that says what the slot is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    /// A handle names it.
    Live,
    /// Deleted. Readers from before may still look at the value until a grace period is over.
    Limbo,
    /// Free, to be issued with the generation that the state shows, if that is not beyond the last.
    Vacant,
    /// Out of generations, never to be issued again.
    Exhausted,
}

/// A slot's state: phase, generation, and index or link, as the module's head shows.
///
/// The default is the state of a slot that was never used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct State(usize);

impl State {
    /// The end of a slot's life.
    pub(crate) const EXHAUSTED: Self = Self(GENERATION_MASK | INDEX_MASK);

    #[inline]
    pub(crate) fn from_bits(bits: usize) -> Self {
        Self(bits)
    }

    #[inline]
    pub(crate) fn bits(self) -> usize {
        self.0
    }

    fn new(phase: usize, generation: usize, low: usize) -> Self {
        // One more than the last: the generation of a slot that is about to be exhausted.
        debug_assert!(generation <= LAST_GENERATION + 1 && low <= INDEX_MASK);
        Self(phase | generation << INDEX_BITS | low)
    }

    /// The state of a free slot, to be issued with `generation`, linked into a list.
    #[inline]
    pub(crate) fn vacant(generation: usize, link: Link) -> Self {
        Self::new(0, generation, link.bits())
    }

    #[inline]
    pub(crate) fn generation(self) -> usize {
        (self.0 & GENERATION_MASK) >> INDEX_BITS
    }

    /// Whether the generation of this vacant state can be issued: not if the slot is about to be
    /// exhausted.
    #[inline]
    pub(crate) fn is_issuable(self) -> bool {
        self.generation() <= LAST_GENERATION
    }

    /// The vacant state of the slot's next generation, if this state is limbo; a vacant state is
    /// returned as it is. The link stays.
    #[inline]
    pub(crate) fn vacated(self) -> Self {
        let limbo = self.0 & LIMBO;
        // A limbo state has the phase's lower bit set. Shifted down, it adds one to the generation.
        let one = limbo >> (LIMBO.trailing_zeros() - INDEX_BITS);
        Self((self.0 ^ limbo) + one)
    }

    /// How many handles the slot can still be issued with, none of them with a generation below
    /// `floor`.
    pub(crate) fn generations_left(self, floor: usize) -> usize {
        let next = match self.phase() {
            Phase::Live => self.generation() + 1,
            _ => self.vacated().generation(),
        };
        GENERATIONS.saturating_sub(next.max(floor))
    }

    /// This state with another link.
    pub(crate) fn with_link(self, link: Link) -> Self {
        Self(self.0 & !INDEX_MASK | link.bits())
    }

    /// The link of a limbo or vacant state.
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

/// A word with its top bit set: a live state, or what a forged handle decodes to. The only kind of
/// word that may be compared with a slot's state.
///
/// Without that bit, a forged integer could equal the state of a vacant slot, and unlink it. With
/// it, equality means that the slot is live and that this is its one handle, since no state has the
/// top bits `11`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct LiveState(usize);

impl LiveState {
    /// The state that the slot with this index has while its handle of `generation` is valid.
    #[inline]
    pub(crate) fn new(generation: usize, index: Index) -> Self {
        Self(State::new(LIVE, generation, index.bits()).0)
    }

    /// Takes any integer; `None` without the top bit.
    #[inline]
    pub(crate) fn checked(bits: usize) -> Option<Self> {
        // Only the top bit: the second is checked by the comparison with the slot's state.
        ((bits as isize) < 0).then_some(Self(bits))
    }

    /// Takes a slot's state; `None` if it is not live.
    pub(crate) fn of(state: State) -> Option<Self> {
        (state.phase() == Phase::Live).then_some(Self(state.0))
    }

    #[inline]
    pub(crate) fn bits(self) -> usize {
        self.0
    }

    #[inline]
    pub(crate) fn state(self) -> State {
        State(self.0)
    }

    #[inline]
    pub(crate) fn index(self) -> Index {
        Index::from_bits(self.0 & INDEX_MASK)
    }

    /// The state of the slot while the handle is reserved: vacant, and linked to itself, as no slot
    /// on a list is. Any input is accepted.
    #[inline]
    pub(crate) fn reserved(self) -> State {
        State(self.0 & !PHASE_MASK)
    }

    /// The state of the slot once the handle is deleted. Any input is accepted; for a forged handle
    /// the result is never stored.
    #[inline]
    pub(crate) fn limbo(self, link: Link) -> State {
        State((self.0 & GENERATION_MASK) | LIMBO | link.bits())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::slots::IndexLayout;

    #[test]
    fn only_a_live_state_equals_a_handle() {
        let index = IndexLayout::new(8).index(1, 0);
        let live = LiveState::new(3, index);
        assert_eq!(LiveState::checked(live.bits()), Some(live));
        assert_eq!(live.state().phase(), Phase::Live);
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
        let both = LiveState::checked(live.bits() | LIMBO).map(LiveState::state);
        assert!(both.is_some_and(|state| state.phase() != Phase::Live));
    }

    #[test]
    fn each_phase_is_told_from_the_others() {
        let index = IndexLayout::new(8).index(1, 0);
        let (live, link) = (LiveState::new(3, index), Link::to(index));
        let states = [live.state(), live.limbo(link), live.reserved(), State::EXHAUSTED];
        let phases = [Phase::Live, Phase::Limbo, Phase::Vacant, Phase::Exhausted];
        assert_eq!(states.map(State::phase), phases);
        assert_eq!(State::default().phase(), Phase::Vacant);
        assert_eq!(states.map(LiveState::of), [Some(live), None, None, None]);
        assert_eq!(live.reserved(), State::vacant(3, link));
        assert_eq!(live.limbo(Link::END).with_link(link), live.limbo(link));
    }

    #[test]
    fn vacating_counts_the_generation_of_a_limbo_state_alone() {
        let link = Link::to(IndexLayout::new(8).index(2, 0));
        let limbo = LiveState::new(3, IndexLayout::new(8).index(1, 0)).limbo(link);
        assert_eq!(limbo.vacated(), State::vacant(4, link));
        assert_eq!(limbo.vacated().vacated(), State::vacant(4, link));
    }

    #[test]
    fn each_state_tells_how_often_it_can_still_be_issued() {
        let index = IndexLayout::new(8).index(1, 0);
        let live = LiveState::new(3, index);
        let left = |state: State| state.generations_left(0);
        assert_eq!(left(State::default()), GENERATIONS);
        assert_eq!(left(State::vacant(3, Link::END)), GENERATIONS - 3);
        assert_eq!(left(live.reserved()), GENERATIONS - 3);
        assert_eq!(left(live.state()), GENERATIONS - 4);
        assert_eq!(left(live.limbo(Link::END)), GENERATIONS - 4);
        assert_eq!(left(State::EXHAUSTED), 0);
        assert_eq!(State::vacant(3, Link::END).generations_left(4), GENERATIONS - 4);
        assert_eq!(State::vacant(3, Link::END).generations_left(GENERATIONS + 1), 0);
    }
}
