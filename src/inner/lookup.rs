//! **Value**: the way from a handle to its slot, and the reason why a handle is invalid. Why one
//! look at the state is enough for a reader is in `slots/atomic_state.rs`.

use super::key::Key;
use crate::{
    config::LAST_GENERATION,
    epoch::Guard,
    error::HandleError,
    handle::RawHandle,
    slots::{Directory, LiveState, Phase, Slot},
};

/// What a look-up needs of a table. A loop can keep it in registers.
pub(crate) struct Lookup<'t, T> {
    key: Key,
    directory: Directory<'t, T>,
}

/// The slot that a handle names, whether or not the handle is valid.
pub(crate) struct Candidate<'t, T> {
    /// The state that the slot has if the handle is valid.
    live: LiveState,
    slot: Slot<'t, T>,
}

impl<'t, T> Lookup<'t, T> {
    #[inline]
    pub(super) fn new(key: Key, directory: Directory<'t, T>) -> Self {
        Self { key, directory }
    }

    pub(super) fn key(&self) -> Key {
        self.key
    }

    pub(super) fn directory(&self) -> &Directory<'t, T> {
        &self.directory
    }

    /// The slot that `handle` names. Needs no pin, since slots never move.
    #[inline]
    pub(crate) fn find(&self, handle: RawHandle) -> Option<Candidate<'t, T>> {
        let live = self.key.live_state(handle)?;
        let slot = self.directory.get(live.index())?;
        Some(Candidate { live, slot })
    }

    /// The value of `handle`, if that is valid, readable while `guard` lives.
    #[inline]
    pub(crate) fn get<'g>(&self, handle: RawHandle, guard: &'g Guard) -> Option<&'g T>
    where
        't: 'g,
    {
        self.find(handle)?.read(guard)
    }

    /// Why `handle` was invalid when it was looked up, from the state of its slot now.
    #[cold]
    pub(super) fn explain(&self, handle: RawHandle) -> HandleError {
        let raw = handle.bits();
        let Some(Candidate { live, slot }) = self.find(handle) else {
            return HandleError::Unknown { raw };
        };
        let (handle_state, state) = (live.state(), slot.state().load());
        // A forged handle may decode to the top bits `11`, which no state has.
        if handle_state.phase() != Phase::Live {
            return HandleError::Unknown { raw };
        }
        // Its value is still to come, or came after the look-up. (Slot 0 of shard 0 looks reserved
        // before its first use too; but its segment is made by the claims of its first slots.)
        if state == live.reserved() || state == handle_state {
            return HandleError::NotYet { raw };
        }
        // All generations below this one were issued and deleted, or passed over.
        let deleted_below = match state.phase() {
            Phase::Live | Phase::Vacant => state.generation(),
            Phase::Limbo => state.generation() + 1,
            Phase::Exhausted => LAST_GENERATION + 1,
        };
        if handle_state.generation() < deleted_below {
            HandleError::Deleted { raw }
        } else {
            HandleError::Unknown { raw }
        }
    }
}

impl<'t, T> Candidate<'t, T> {
    #[inline]
    pub(super) fn live(&self) -> LiveState {
        self.live
    }

    #[inline]
    pub(super) fn slot(&self) -> Slot<'t, T> {
        self.slot
    }

    /// Asks for the slot's cache line.
    #[inline(always)]
    pub(crate) fn prefetch(&self) {
        self.slot.prefetch();
    }

    /// Whether the handle is valid at this moment.
    #[inline]
    pub(crate) fn is_valid(&self) -> bool {
        self.slot.state().load() == self.live.state()
    }

    /// The value, if the handle is valid, readable while `guard` lives.
    #[inline]
    pub(crate) fn read<'g>(&self, guard: &'g Guard) -> Option<&'g T>
    where
        't: 'g,
    {
        self.slot.read(self.live, guard)
    }
}
