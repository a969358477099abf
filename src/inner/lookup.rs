//! **Value**: the way from a handle to its slot, and the answer where that is not live under it.

use super::body::Core;
use crate::{
    config::LAST_GENERATION,
    epoch::Guard,
    error::HandleError,
    handle::Handle,
    slots::{Directory, LiveWord, Phase, Room, Slot},
};

/// What a look-up needs of a table: little, and never written.
pub(crate) struct Lookup<'c, T> {
    pub(crate) key: usize,
    pub(crate) directory: Directory<'c, T>,
}

/// The slot that a handle names, live under that handle or not.
pub(crate) struct Candidate<'c, T> {
    word: LiveWord,
    room: Room<'c, T>,
}

impl<'c, T> Lookup<'c, T> {
    /// The slot that `handle` names. Needs no pin: slots stay where they are.
    #[inline]
    pub(crate) fn find(&self, handle: Handle) -> Option<Candidate<'c, T>> {
        let word = LiveWord::checked(handle.into_raw() ^ self.key)?;
        let room = self.directory.get(word.index())?;
        Some(Candidate { word, room })
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
        candidate.is_some_and(|candidate| candidate.slot().state() == candidate.word().word())
    }
}

impl<'c, T> Candidate<'c, T> {
    /// The state that the slot has if the handle is valid.
    #[inline]
    pub(crate) fn word(&self) -> LiveWord {
        self.word
    }

    /// Lets the slot come into the cache, meanwhile.
    #[inline]
    pub(crate) fn prefetch(&self) {
        self.room.prefetch();
    }

    #[inline]
    pub(crate) fn room(&self) -> Room<'c, T> {
        self.room
    }

    #[inline]
    pub(crate) fn slot(&self) -> &'c Slot {
        self.room.slot()
    }

    /// The value, if the handle is valid, readable while `guard` lives.
    #[inline]
    pub(crate) fn read<'g>(&self, guard: &'g Guard) -> Option<&'g T>
    where
        'c: 'g,
    {
        self.room.read(self.word, guard)
    }
}

impl<T> Core<T> {
    /// Why `handle` was not valid when it was looked for, by the state of its slot now. It looks for
    /// it once more, so that the ways that lead here carry nothing along for it.
    #[cold]
    pub(crate) fn refusal(&self, handle: Handle) -> HandleError {
        let Some(candidate) = self.lookup().find(handle) else {
            return HandleError::Unknown;
        };
        let state = candidate.slot().state();
        let below = match state.phase() {
            // If it is valid now, then it was looked for before it was issued.
            Phase::Live | Phase::Vacant => state.generation(),
            Phase::Limbo => state.generation() + 1,
            Phase::Retired => LAST_GENERATION + 1,
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
