//! One slot: a state word, and the verbs' decisive steps on it (their linearization points). Its
//! value lies in the room behind it.
//!
//! ```text
//!            publish              unlink               vacate
//! vacant(g) ---------> live(g) ---------> limbo(g) ---------> vacant(g + 1), or retired
//!   claimed by one      readers            a grace period, then the value is dropped
//! ```
//!
//! The state says all: whether a handle is valid, and whether there is a value. A reader is pinned
//! before it looks at the state. If it finds its handle there, the slot can't leave limbo before
//! the reader unpins, so the room holds its handle's value and no other: one look at the state is
//! enough. See "publish" and "grace" in docs/ORDERING.md.
//!
//! The step from limbo to vacant(g + 1) may be taken with the next `publish`, where there is no value
//! to be dropped: see "Plain values" in docs/ORDERING.md.
//!
//! Whoever drops the value of a slot in a batch leaves it *hollow*: vacant(g + 1) already, but still
//! linked into the batch. That is the batch's owner, or a walker in somebody's batch, whose owner then only
//! has to return it.

use super::{
    index::Link,
    state::{LiveState, Phase, State},
};
use crate::{
    config::LAST_GENERATION,
    sync::{AtomicUsize, Ordering},
};

/// All zeroes is a vacant slot of generation 0.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct AtomicState {
    state: AtomicUsize,
}

impl AtomicState {
    /// A vacant slot of generation 0. Outside loom, memory that is zeroed does as well.
    #[cfg(loom)]
    pub(crate) fn new() -> Self {
        Self {
            state: AtomicUsize::new(0),
        }
    }

    /// The state as it is now.
    #[inline]
    pub(crate) fn load(&self) -> State {
        // edge: publish, delete. Whoever sees a live slot sees its value made, whoever sees a
        // deleted one sees what its deleter did before.
        State::from_bits(self.state.load(Ordering::Acquire))
    }

    /// The state, to the one thread that owns the slot: it wrote it, or has since acquired it
    /// through the edge that handed the slot over.
    #[inline]
    pub(crate) fn load_own(&self) -> State {
        // edge: none. Nobody else writes the state of a slot that is owned.
        State::from_bits(self.state.load(Ordering::Relaxed))
    }

    /// **New**, in a slot that the caller has claimed, with a value in its room: from here on the
    /// handle is valid.
    #[inline]
    pub(crate) fn publish(&self, word: LiveState) {
        // edge: publish. The value before the state that lets readers in.
        self.state.store(word.bits(), Ordering::Release);
    }

    /// **Delete**: one caller wins, and the handle is invalid from here on. The winner owns the
    /// slot's link, and owes it a grace period; the losers get `false`.
    #[inline]
    pub(crate) fn unlink(&self, word: LiveState, link: Link) -> bool {
        let limbo = word.limbo(link);
        // edge: delete. Release: who finds the slot in limbo comes after what the deleter did
        // before; Acquire: the deleter comes after the publisher. Losers look at the state again.
        self.state
            .compare_exchange(
                word.bits(),
                limbo.bits(),
                Ordering::AcqRel,
                Ordering::Relaxed,
            )
            .is_ok()
    }

    /// Sets the link of a deleted slot, by the thread that unlinked it. Not a plain store: a
    /// walker may leave the slot hollow at the same time.
    pub(crate) fn relink(&self, link: Link) {
        self.change(|state| Some(state.with_link(link)));
    }

    /// Marks the slot as hollow, if it is still in limbo under `generation`: the caller, a walker
    /// to whom alone the value belongs now, has it all to itself.
    pub(crate) fn try_vacate_in_place(&self, generation: usize) -> bool {
        self.change(|state| {
            let waits = state.phase() == Phase::Limbo && state.generation() == generation;
            waits.then(|| State::vacant(generation + 1, state.link()))
        })
    }

    /// Marks the slot as hollow, by the one who has its batch and found it in `state`: in limbo, or
    /// hollow already.
    #[inline]
    pub(crate) fn vacate_in_place(&self, state: State) {
        // edge: delete. As in `vacate`.
        self.state.store(state.vacated().bits(), Ordering::Release);
    }

    /// Changes the state of a deleted slot as `to` says; `false` if that says `None`.
    fn change(&self, to: impl Fn(State) -> Option<State>) -> bool {
        let to = |bits| to(State::from_bits(bits)).map(State::bits);
        // edge: delete. A read-modify-write: who finds the state still comes after the deleter.
        self.state
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, to)
            .is_ok()
    }

    /// Makes the slot vacant for `generation`, linked to `link`; retires it if there is no such
    /// generation, and returns `false`.
    ///
    /// The caller owns the slot, and hands it on through a list with an edge of its own.
    #[inline]
    pub(crate) fn vacate(&self, generation: usize, link: Link) -> bool {
        let more = generation <= LAST_GENERATION;
        let word = if more {
            State::vacant(generation, link)
        } else {
            State::EXHAUSTED
        };
        // edge: delete. Who is answered "deleted" by this comes after the deleter too; who takes
        // the slot comes through the list, which has an edge of its own.
        self.state.store(word.bits(), Ordering::Release);
        more
    }
}
