//! [`Storm`]: when readers should pay for the fences, and when deleters.
//!
//! Light readers cost each look at them a heavy barrier: some hundred nanoseconds if no other
//! thread of the process runs, some microseconds otherwise. In fenced mode a look costs a fence,
//! and each pin two. So barriers are timed. If they follow on one another too closely, readers
//! fence; and once so few looks were made for so many pins that barriers would have cost less, they
//! don't.
//!
//! All of it is hints: the mode decides on cost alone.

use crate::sync::{AtomicUsize, Ordering};

/// What a pin and its end cost more in fenced mode, in nanoseconds.
const PIN_NANOS: usize = 4;
/// A reader that has fenced so many pins asks whether that has paid.
pub(super) const FENCED_PINS: usize = 1 << 14;
/// The most that a barrier is believed to cost.
const MOST_NANOS: usize = 20_000;
/// Barriers are too close if they take more than one part in so many of all time.
const SHARE: usize = 4;
/// So many close ones in a row are a storm: one delete with a reader in its way makes two or three.
const IN_A_ROW: usize = 8;

#[derive(Debug)]
pub(super) struct Storm {
    /// When the last heavy barrier was over, in nanoseconds.
    last: AtomicUsize,
    /// What a barrier costs, in nanoseconds.
    cost: AtomicUsize,
    /// How many were too close, in a row.
    close: AtomicUsize,
    /// How many looks had been made when a reader last asked.
    looks: AtomicUsize,
}

impl Storm {
    crate::sync::const_unless_loom! {
        pub(super) const fn new() -> Self {
            Self {
                last: AtomicUsize::new(0),
                cost: AtomicUsize::new(1_000),
                close: AtomicUsize::new(0),
                looks: AtomicUsize::new(0),
            }
        }
    }

    /// Notes a barrier that took from `begin` to `end`. Returns whether it belongs to a storm.
    pub(super) fn note_barrier(&self, begin: usize, end: usize) -> bool {
        let took = end.wrapping_sub(begin);
        // edge: none. A hint.
        let cost = self.cost.load(Ordering::Relaxed);
        // Up by little, since this thread may have been preempted meanwhile.
        let cost = took.min(cost + cost / 8 + 1).min(MOST_NANOS);
        // edge: none. A hint.
        self.cost.store(cost, Ordering::Relaxed);
        // edge: none. A hint.
        let last = self.last.swap(end, Ordering::Relaxed);
        if begin.wrapping_sub(last) >= SHARE * cost {
            // edge: none. A hint.
            self.close.store(0, Ordering::Relaxed);
            return false;
        }
        // edge: none. A hint.
        let close = self.close.load(Ordering::Relaxed) + 1;
        // edge: none. A hint.
        self.close.store(close % IN_A_ROW, Ordering::Relaxed);
        close >= IN_A_ROW
    }

    /// Whether barriers would have cost less since the last call than the fences of so many pins.
    /// `looks` counts the looks at readers so far.
    pub(super) fn is_over(&self, looks: usize) -> bool {
        // edge: none. A hint.
        let since = looks.wrapping_sub(self.looks.swap(looks, Ordering::Relaxed));
        // edge: none. A hint.
        let cost = self.cost.load(Ordering::Relaxed);
        let is_over = since.saturating_mul(cost) < FENCED_PINS * PIN_NANOS;
        if !is_over {
            // Nobody times a barrier in fenced mode, so try one now and then.
            // edge: none. A hint.
            self.cost.store(cost - cost / 16, Ordering::Relaxed);
        }
        is_over
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn barriers_close_to_one_another_are_a_storm_and_few_looks_end_it() {
        let storm = Storm::new();
        let barrier = |begin: usize| storm.note_barrier(begin, begin + 1_000);
        let rare = (1..100).map(|nth| barrier(nth * 10_000));
        assert!(!rare.into_iter().any(|is_storm| is_storm));
        let close = (1..=IN_A_ROW).map(|nth| barrier(990_000 + nth * 2_000));
        assert_eq!(close.collect::<Vec<_>>(), [[false; IN_A_ROW - 1].as_slice(), &[true]].concat());

        storm.cost.store(10_000, Ordering::Relaxed);
        assert!(storm.is_over(5));
        assert!(!storm.is_over(105));
        assert!((2..).any(|nth| storm.is_over(nth * 10)), "it tries");
    }
}
