//! Every width in one file: the bits of a handle and of a slot's state, and the sizes of arrays
//! and batches.
//!
//! ```text
//!            phase       generation    index
//! 64-bit     2 bits      30 bits       32 bits
//! 32-bit     2 bits      10 bits       20 bits
//! ```

use std::mem::needs_drop;

/// Bits of the index: shard, segment and place together.
pub(crate) const INDEX_BITS: u32 = if usize::BITS == 64 { 32 } else { 20 };
/// Bits of the phase, at the top of the word.
const PHASE_BITS: u32 = 2;
/// Bits of the generation, between phase and index.
const GENERATION_BITS: u32 = usize::BITS - PHASE_BITS - INDEX_BITS;

/// The index's bits of a word.
pub(crate) const INDEX_MASK: usize = (1 << INDEX_BITS) - 1;
pub(crate) const GENERATION_MASK: usize = ((1 << GENERATION_BITS) - 1) << INDEX_BITS;
/// The part of a word that a table's key may change: all but the phase, so that a handle keeps
/// its top bits `10` and is never zero.
pub(crate) const KEY_MASK: usize = GENERATION_MASK | INDEX_MASK;

pub(crate) const LIVE: usize = 0b10 << (usize::BITS - PHASE_BITS);
pub(crate) const LIMBO: usize = 0b01 << (usize::BITS - PHASE_BITS);
pub(crate) const PHASE_MASK: usize = 0b11 << (usize::BITS - PHASE_BITS);

/// A build in which rare paths are common: unit tests, loom models, `--cfg handle_table_small`.
const SMALL: bool = cfg!(any(test, loom, handle_table_small));

/// A slot is issued with generations 0 to this one, then retired for good.
pub(crate) const LAST_GENERATION: usize = if SMALL { 5 } else { (1 << GENERATION_BITS) - 2 };
// No word of a slot that can be issued may look like the retired one. That of a hollow slot which
// is about to be retired does, at the end of its batch: all that look at it take it for that, too.
const _: () = assert!(LAST_GENERATION < GENERATION_MASK >> INDEX_BITS);
/// log2 of the slots in a shard's first segment; later ones double, see `index.rs`.
pub(crate) const FIRST_SEGMENT_BITS: u32 = if SMALL { 1 } else { 5 };
/// Fresh slots that an owner takes from its shard at a time.
pub(crate) const FRESH_BLOCK: usize = if SMALL { 2 } else { 32 };
/// log2 of the segments that a shard can have.
pub(crate) const SEGMENT_BITS: u32 = if cfg!(loom) { 3 } else { 5 };
/// Shards of a table, at the most, and threads that can own one.
pub(crate) const MAX_SHARDS: usize = if cfg!(loom) { 4 } else { 1024 };

/// Deletes that are retired together, and their bytes at the most (`T` alone, not what it owns).
const BATCH: usize = if cfg!(loom) {
    1
} else if SMALL {
    4
} else {
    256
};
/// The same of values with nothing to drop: nothing happens late if they wait for longer. Not where
/// slots and generations are scarce.
const TRIVIAL_BATCH: usize = if usize::BITS == 64 { 4 * BATCH } else { BATCH };
// `Pile` counts up to what fits a generation, and must get as far as that.
const _: () = assert!(TRIVIAL_BATCH <= GENERATION_MASK >> INDEX_BITS);
const BATCH_BYTES: usize = 1 << 17;
/// Full batches of one shard that wait until its owner helps the epoch on.
pub(crate) const ADVANCE_AT_BATCHES: usize = if cfg!(loom) { 1 } else { 4 };
/// Full batches of one shard that may wait for their grace period before its owner gives way.
pub(crate) const YIELD_ABOVE_BATCHES: usize = 8;
/// How many deletes make a batch of values of `T`.
pub(crate) const fn batch_limit<T>() -> usize {
    // Models of batches are all of one delete.
    let count = if needs_drop::<T>() || cfg!(loom) {
        BATCH
    } else {
        TRIVIAL_BATCH
    };
    bounded(count, BATCH_BYTES, size_of::<T>())
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

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

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
    fn values_with_nothing_to_drop_wait_for_longer() {
        assert_eq!(batch_limit::<String>(), BATCH);
        assert_eq!(batch_limit::<u64>(), TRIVIAL_BATCH);
        assert_eq!(batch_limit::<[u8; BATCH_BYTES]>(), 1);
    }

    #[test]
    fn limits_shrink_for_large_values_but_not_to_nothing() {
        assert_eq!(bounded(128, 1 << 17, 0), 128);
        assert_eq!(bounded(128, 1 << 17, 8), 128);
        assert_eq!(bounded(128, 1 << 17, 1 << 12), 32);
        assert_eq!(bounded(128, 1 << 17, 1 << 20), 1);
    }
}
