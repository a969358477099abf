//! [`Key`]: it turns a live state into the handle that C keeps, and back.
//!
//! ```text
//! handle = live state ^ key ^ mix(index)
//! ```
//!
//! The key makes a table's handles unknown to other tables. The mix changes the generation's bits
//! alone, and makes a damaged handle unknown: one whose index is wrong meets another mix there, and
//! so the wrong generation, but for one in 2^30, on 32-bit targets one in 2^10. The index comes out
//! of a handle without it, so a look-up computes it while the slot's line is on its way.

use std::num::NonZeroUsize;

#[cfg(not(loom))]
use crate::sync::{forks, nanos};
use crate::{
    config::{GENERATION_MASK, INDEX_MASK, KEY_MASK, LIVE},
    handle::RawHandle,
    slots::LiveState,
};

/// What a table's handles are exclusive-ored with, and the factor of their mix.
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

    /// Keeps what a key may have. It is odd, so that no two indices have one product.
    fn new(random: usize) -> Self {
        Self(random & KEY_MASK | 1)
    }

    /// A key that differs from table to table, from run to run, and from process to process, also
    /// in a forked child and where the system gives no randomness. `address` is the table's.
    #[cfg(not(loom))]
    pub(super) fn random(address: usize) -> Self {
        use std::hash::{BuildHasher, Hasher, RandomState};

        // Each `RandomState` has keys of its own, where there is randomness; but a forked child has
        // its parent's.
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_usize(address);
        hasher.write_usize(nanos());
        hasher.write_usize(forks());
        // wasm has no process, and panics.
        #[cfg(not(target_family = "wasm"))]
        hasher.write_u32(std::process::id());
        Self::new(hasher.finish() as usize)
    }

    /// loom replays executions, which must not differ by chance.
    #[cfg(loom)]
    pub(super) fn random(_address: usize) -> Self {
        Self::new(usize::MAX / 3)
    }

    /// The handle of the slot that is live in this state.
    #[inline]
    pub(super) fn handle(self, live: LiveState) -> RawHandle {
        /// A live state has this bit already, and no key changes it. Or-ing it again lets the
        /// compiler see that the result is non-zero.
        const TOP_BIT: NonZeroUsize = match NonZeroUsize::new(LIVE) {
            Some(bit) => bit,
            None => unreachable!(),
        };
        RawHandle::new(TOP_BIT | (self.mix(live.bits()) ^ self.0))
    }

    /// The live state that the handle stands for; `None` if the top bit is clear, as in no handle.
    #[inline]
    pub(super) fn live_state(self, handle: RawHandle) -> Option<LiveState> {
        LiveState::checked(self.mix(handle.bits() ^ self.0))
    }

    /// Changes the generation's bits of a state by its index; and back.
    #[inline]
    fn mix(self, state: usize) -> usize {
        let index = state & INDEX_MASK;
        state ^ index.wrapping_mul(self.0) & GENERATION_MASK
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::scaled::scaled;

    #[test]
    fn keys_differ() {
        assert_ne!(Key::random(0), Key::random(0));
    }

    #[test]
    fn a_handle_gives_its_state_back() {
        let key = Key::random(0);
        for state in [LIVE, LIVE | KEY_MASK, LIVE | 12_345, LIVE | GENERATION_MASK] {
            let live = LiveState::checked(state);
            assert_eq!(live.and_then(|live| key.live_state(key.handle(live))), live);
        }
    }

    #[test]
    fn a_state_with_another_index_gets_another_generation() {
        let key = Key::new(0x2545_F491_4F6C_DD1D_u64 as usize);
        let generation = |index: usize| key.mix(LIVE | index) & GENERATION_MASK;
        let same = (1..1_000).filter(|index| generation(*index) == generation(0)).count();
        // One in 2^30 is expected; on 32-bit targets one in 1,024.
        let most = 1_000_usize >> (GENERATION_MASK.count_ones() - 3);
        assert!(same <= most, "{same}");
    }

    /// A handle is no secret: SECURITY.md has this as a figure.
    #[test]
    fn one_handle_whose_state_is_known_tells_all_others() {
        let secret = Key::random(0);
        let handle = |key: Key, state| LiveState::checked(state).map(|live| key.handle(live));
        // With an even index, each bit of the product depends on lower bits of the key alone.
        let known = LIVE | 2;
        let Some(seen) = handle(secret, known) else { unreachable!("it is live") };
        let mut key = Key(0);
        for bit in 0..KEY_MASK.count_ones() {
            let wrong = seen.bits() ^ key.mix(known) ^ key.0;
            key.0 |= wrong & 1 << bit;
        }
        assert_eq!(key, secret);
        for state in (0..scaled(100_000)).map(|index| LIVE | index) {
            assert_eq!(handle(key, state), handle(secret, state));
        }
    }
}
