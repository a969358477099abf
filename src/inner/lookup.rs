//! **Value**: the way from a handle to its slot, and the answer where that is not live under it.

use super::body::Inner;
use crate::{
    config::LAST_GENERATION,
    epoch::Guard,
    error::HandleError,
    handle::Handle,
    slots::{AtomicState, Directory, LiveState, Phase, Slot},
};

/// What a look-up needs of a table: little, and never written.
pub(crate) struct Lookup<'c, T> {
    pub(crate) key: usize,
    pub(crate) directory: Directory<'c, T>,
}

/// The slot that a handle names, live under that handle or not.
pub(crate) struct Candidate<'c, T> {
    word: LiveState,
    slot: Slot<'c, T>,
}

impl<'c, T> Lookup<'c, T> {
    /// The slot that `handle` names. Needs no pin: slots stay where they are.
    #[inline]
    pub(crate) fn find(&self, handle: Handle) -> Option<Candidate<'c, T>> {
        let word = LiveState::checked(handle.into_raw() ^ self.key)?;
        let slot = self.directory.get(word.index())?;
        Some(Candidate { word, slot })
    }

    /// The value of `handle`, if that is valid, readable while `guard` lives.
    #[inline]
    pub(crate) fn get<'g>(&self, handle: Handle, guard: &'g Guard) -> Option<&'g T>
    where
        'c: 'g,
    {
        self.find(handle)?.read(guard)
    }

    /// Whether `handle` is valid.
    #[inline]
    pub(crate) fn contains(&self, handle: Handle) -> bool {
        let candidate = self.find(handle);
        candidate.is_some_and(|candidate| candidate.state().load() == candidate.word().word())
    }
}

impl<'c, T> Candidate<'c, T> {
    /// The state that the slot has if the handle is valid.
    #[inline]
    pub(crate) fn word(&self) -> LiveState {
        self.word
    }

    /// Lets the slot come into the cache, meanwhile.
    #[inline]
    pub(crate) fn prefetch(&self) {
        self.slot.prefetch();
    }

    #[inline]
    pub(crate) fn slot(&self) -> Slot<'c, T> {
        self.slot
    }

    #[inline]
    pub(crate) fn state(&self) -> &'c AtomicState {
        self.slot.state()
    }

    /// The value, if the handle is valid, readable while `guard` lives.
    #[inline]
    pub(crate) fn read<'g>(&self, guard: &'g Guard) -> Option<&'g T>
    where
        'c: 'g,
    {
        self.slot.read(self.word, guard)
    }
}

impl<T> Inner<T> {
    /// Why `handle` was not valid when it was looked for, by the state of its slot now. It looks for
    /// it once more, so that the ways that lead here carry nothing along for it.
    #[cold]
    pub(crate) fn explain(&self, handle: Handle) -> HandleError {
        let Some(candidate) = self.lookup().find(handle) else {
            return HandleError::Unknown;
        };
        let state = candidate.state().load();
        let below = match state.phase() {
            // If it is valid now, then it was looked for before it was issued.
            Phase::Live | Phase::Vacant => state.generation(),
            Phase::Limbo => state.generation() + 1,
            Phase::Exhausted => LAST_GENERATION + 1,
        };
        let word = candidate.word().word();
        // A word with the second of the fixed bits set is no handle, whatever its generation.
        if word.phase() == Phase::Live && word.generation() < below {
            HandleError::Deleted {
                raw: handle.into_raw(),
            }
        } else {
            HandleError::Unknown
        }
    }
}
