//! [`Key`]: it turns a live state into the handle that C keeps, and back.

use std::num::NonZeroUsize;

use crate::{
    config::{KEY_MASK, LIVE},
    handle::Handle,
    slots::LiveState,
};

/// What a table's handles are exclusive-ored with, so that they are unknown to other tables.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Key(usize);

impl Key {
    #[inline]
    pub(super) fn bits(self) -> usize {
        self.0
    }

    #[inline]
    pub(super) fn from_bits(bits: usize) -> Self {
        Self(bits)
    }

    /// A key that differs from table to table and from run to run.
    #[cfg(not(loom))]
    pub(super) fn random() -> Self {
        use std::hash::{BuildHasher, Hasher, RandomState};

        // Each `RandomState` has keys of its own, from the operating system's randomness; but a
        // forked child has the same ones as its parent.
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_u32(std::process::id());
        Self(hasher.finish() as usize & KEY_MASK)
    }

    /// loom replays executions, which must not differ by chance.
    #[cfg(loom)]
    pub(super) fn random() -> Self {
        Self((usize::MAX / 3) & KEY_MASK)
    }

    /// The handle of the slot that is live in this state.
    #[inline]
    pub(super) fn handle(self, live: LiveState) -> Handle {
        /// A live state has this bit already, and no key changes it. Or-ing it again lets the
        /// compiler see that the result is non-zero.
        const TOP_BIT: NonZeroUsize = match NonZeroUsize::new(LIVE) {
            Some(bit) => bit,
            None => unreachable!(),
        };
        Handle::from_bits(TOP_BIT | (live.bits() ^ self.0))
    }

    /// The live state that the handle stands for; `None` if the top bit is clear, as in no handle.
    #[inline]
    pub(super) fn live_state(self, handle: Handle) -> Option<LiveState> {
        LiveState::checked(handle.into_raw() ^ self.0)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn keys_differ() {
        assert_ne!(Key::random(), Key::random());
    }
}
