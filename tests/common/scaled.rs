//! Loops that Miri takes for ever to run.

/// `turns`, or a thousandth of them under Miri, and at least one.
pub(crate) const fn scaled(turns: usize) -> usize {
    if cfg!(miri) {
        turns.div_ceil(1_000)
    } else {
        turns
    }
}
