//! Counts of a table's slots.

use handle_table::Stats;

/// All slots that were ever in use.
pub(crate) fn slots(stats: Stats) -> usize {
    stats.live + stats.vacant + stats.pending + stats.exhausted
}
