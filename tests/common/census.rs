//! The instrument for "dropped exactly once, and not too early": a [`Census`] counts its
//! [`Witness`]es.

use std::sync::atomic::{
    AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};

/// Counts the values of one test, and what went wrong with them. It lives in a `static`, so that a
/// value that is dropped twice or too late still finds it.
#[derive(Debug, Default)]
pub(crate) struct Census {
    made: AtomicUsize,
    dropped: AtomicUsize,
    faults: AtomicUsize,
}

impl Census {
    pub(crate) const fn new() -> Self {
        Self {
            made: AtomicUsize::new(0),
            dropped: AtomicUsize::new(0),
            faults: AtomicUsize::new(0),
        }
    }

    /// A value to be counted.
    pub(crate) fn witness(&'static self, number: usize) -> Witness {
        self.count_made();
        Witness { census: self, alive: AtomicUsize::new(ALIVE), number }
    }

    /// Counts a value as made. [`witness`](Self::witness) does; a value that has no room for a
    /// `Witness` must do it itself.
    pub(crate) fn count_made(&self) {
        self.made.fetch_add(1, Relaxed);
    }

    /// Counts a value as dropped, as [`count_made`](Self::count_made) counts it as made.
    pub(crate) fn count_dropped(&self) {
        self.dropped.fetch_add(1, Release);
    }

    pub(crate) fn made(&self) -> usize {
        self.made.load(Acquire)
    }

    pub(crate) fn dropped(&self) -> usize {
        self.dropped.load(Acquire)
    }

    /// Values made and not yet dropped.
    #[track_caller]
    pub(crate) fn left(&self) -> usize {
        let dropped = self.dropped();
        let left = self.made().checked_sub(dropped);
        left.expect("more values were dropped than made")
    }

    /// Every value was dropped, each of them once, and none while a reader saw it.
    #[track_caller]
    pub(crate) fn assert_all_dropped_once(&self) {
        assert_eq!(self.left(), 0, "values were made and not dropped");
        let faults = self.faults.load(Acquire);
        assert_eq!(faults, 0, "values were dropped twice, or too early");
    }
}

const ALIVE: usize = 0x600D_F00D;
const DEAD: usize = 0xDEAD;

/// A value that knows whether it is alive. It counts faults rather than panic: a panic in a `Drop`
/// would be caught by the table.
#[derive(Debug)]
pub(crate) struct Witness {
    census: &'static Census,
    alive: AtomicUsize,
    number: usize,
}

impl Witness {
    /// The value's number. Every reader calls this: it counts a fault if the value was dropped.
    pub(crate) fn look(&self) -> usize {
        if self.alive.load(Relaxed) != ALIVE {
            self.census.faults.fetch_add(1, Relaxed);
        }
        self.number
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        if self.alive.swap(DEAD, Relaxed) != ALIVE {
            self.census.faults.fetch_add(1, Relaxed);
        }
        self.census.count_dropped();
    }
}
