//! Every width and size in one file: the bits of a handle and of a slot's state, the sizes of
//! segments, blocks and batches, and the thresholds that are counted in batches.
//!
//! ```text
//!            phase       generation    index
//! 64-bit     2 bits      30 bits       32 bits
//! 32-bit     2 bits      10 bits       20 bits
//! ```
//!
//! In a build with `--cfg handle_table_small` an index has 18 bits, so that tests can use up a
//! table: about a million handles.

use std::mem::needs_drop;

/// Bits of the index: shard, segment, and place in the segment.
pub(crate) const INDEX_BITS: u32 = if cfg!(handle_table_small) {
    18
} else if usize::BITS == 64 {
    32
} else {
    20
};
/// Bits of the phase, at the top of a state.
const PHASE_BITS: u32 = 2;
/// Bits of the generation, between phase and index.
const GENERATION_BITS: u32 = usize::BITS - PHASE_BITS - INDEX_BITS;

/// The index bits of a state or handle.
pub(crate) const INDEX_MASK: usize = (1 << INDEX_BITS) - 1;
/// The generation bits of a state or handle.
pub(crate) const GENERATION_MASK: usize = ((1 << GENERATION_BITS) - 1) << INDEX_BITS;
/// The bits that a table's key may change: all but the phase, so that a handle keeps its top bits
/// `10` and is never zero.
pub(crate) const KEY_MASK: usize = GENERATION_MASK | INDEX_MASK;

/// The phase of a live slot, shifted to the top bits.
pub(crate) const LIVE: usize = 0b10 << (usize::BITS - PHASE_BITS);
/// The phase of a deleted slot that is not vacant yet, shifted to the top bits.
pub(crate) const LIMBO: usize = 0b01 << (usize::BITS - PHASE_BITS);
/// The phase bits of a state.
pub(crate) const PHASE_MASK: usize = 0b11 << (usize::BITS - PHASE_BITS);

/// A build in which rare paths are common: unit tests, loom models, `--cfg handle_table_small`.
const SMALL: bool = cfg!(any(test, loom, handle_table_small));

/// The last generation with which a slot is issued. A slot that is deleted in it is exhausted.
pub(crate) const LAST_GENERATION: usize = if SMALL { 5 } else { (1 << GENERATION_BITS) - 2 };
// No issuable state may equal `State::EXHAUSTED`. In a full build, the state after the last
// generation does equal it if no slot follows in its list. Every reader then takes the slot for
// exhausted a little early, which is correct.
const _: () = assert!(LAST_GENERATION < GENERATION_MASK >> INDEX_BITS);
/// How many handles a slot is issued with.
pub(crate) const GENERATIONS: usize = LAST_GENERATION + 1;
/// log2 of the slots in a shard's first segment; later segments double, see `slots/index.rs`.
pub(crate) const FIRST_SEGMENT_BITS: u32 = if SMALL { 1 } else { 5 };
/// Fresh slots that an owner reserves from its shard at a time.
pub(crate) const FRESH_BLOCK: usize = if SMALL { 2 } else { 32 };
/// A shard with so many slots in use looks for vacant ones in other shards before it reserves more,
/// and then reserves [`LARGE_BLOCK`] at a time.
pub(crate) const LARGE_SHARD: usize = if SMALL { 8 } else { 4096 };
/// See [`LARGE_SHARD`].
pub(crate) const LARGE_BLOCK: usize = if SMALL { 4 } else { 512 };
/// So many slots that an owner has freed one by one make a batch of free slots.
pub(crate) const FREED_BATCH: usize = if SMALL { 4 } else { 1024 };
/// So many batches of free slots an owner keeps; what is more goes to where others can take it.
pub(crate) const ADOPTED_BATCHES: usize = if SMALL { 2 } else { 4 };
/// So many slots of another shard an owner frees, in a table of values that are taken, before it
/// returns them.
pub(crate) const AWAY_BATCH: usize = if SMALL { 2 } else { 128 };
/// So often an insert that finds no slot looks again while other threads have lists of vacant slots
/// in their hands. It yields in between, and sleeps from the 64th time on: some 40 ms in all.
pub(crate) const PATIENCE: usize = if cfg!(loom) { 2 } else { 100 };
/// log2 of the segments that a shard can have.
pub(crate) const SEGMENT_BITS: u32 = if cfg!(loom) { 3 } else { 5 };
/// The most shards that a table can have; also the number of leases in the process.
pub(crate) const MAX_SHARDS: usize = if cfg!(loom) { 4 } else { 1024 };

/// Deletes that make a batch.
const BATCH: usize = if cfg!(loom) {
    1
} else if SMALL {
    4
} else {
    256
};
/// Deletes that make a batch of values without a destructor. They may wait for longer, since their
/// drop has no visible effect. Not on 32-bit targets, where slots and generations are scarce.
const TRIVIAL_BATCH: usize = if usize::BITS == 64 { 4 * BATCH } else { BATCH };
// `CountedHead` counts a batch in the bits of a generation.
const _: () = assert!(TRIVIAL_BATCH <= GENERATION_MASK >> INDEX_BITS);
/// The most bytes in a batch of several values: of the values alone, not of what they own.
const BATCH_BYTES: usize = 1 << 17;
/// A shard's owner advances the epoch once this many full batches wait in the shard.
pub(crate) const ADVANCE_AT_BATCHES: usize = if cfg!(loom) { 1 } else { 4 };
/// A shard's owner yields its processor once more than this many full batches wait in the shard.
pub(crate) const YIELD_ABOVE_BATCHES: usize = 8;
/// The most batches that a delete takes at a time, to reclaim them; it does so up to three times.
pub(crate) const RECLAIM_BATCHES: usize = 8;

/// The most deletes that can make a batch.
pub(crate) const MAX_BATCH: usize = GENERATION_MASK >> INDEX_BITS;

/// How many deletes make a batch of trivial values of `T`.
pub(crate) const fn batch_limit<T>() -> usize {
    // In loom models every batch is one delete.
    let count = if needs_drop::<T>() || cfg!(loom) { BATCH } else { TRIVIAL_BATCH };
    bounded(count, BATCH_BYTES, size_of::<T>())
}

/// `count`, or fewer if `count` values of `size` bytes would exceed `bytes`; at least one.
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

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_fields_fill_the_word_and_do_not_overlap() {
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
    fn values_without_a_destructor_make_larger_batches() {
        assert_eq!(batch_limit::<String>(), BATCH);
        assert_eq!(batch_limit::<u64>(), TRIVIAL_BATCH);
        assert_eq!(batch_limit::<[u8; BATCH_BYTES]>(), 1);
    }

    #[test]
    fn a_batch_of_large_values_is_small_but_never_empty() {
        assert_eq!(bounded(128, 1 << 17, 0), 128);
        assert_eq!(bounded(128, 1 << 17, 8), 128);
        assert_eq!(bounded(128, 1 << 17, 1 << 12), 32);
        assert_eq!(bounded(128, 1 << 17, 1 << 20), 1);
    }
}
