//! Values of the tables, counted.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// A value that stands for a number.
pub(crate) trait Value: Send + Sync + 'static {
    fn new(number: usize) -> Self;
    fn number(&self) -> usize;
}

/// Has nothing to drop.
impl Value for usize {
    fn new(number: usize) -> Self {
        number
    }

    fn number(&self) -> usize {
        *self
    }
}

static MADE: AtomicUsize = AtomicUsize::new(0);
static DROPPED: AtomicUsize = AtomicUsize::new(0);

/// Its drop frees memory.
pub(crate) struct Counted(Box<usize>);

impl Value for Counted {
    fn new(number: usize) -> Self {
        MADE.fetch_add(1, SeqCst);
        Self(Box::new(number))
    }

    fn number(&self) -> usize {
        *self.0
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        DROPPED.fetch_add(1, SeqCst);
    }
}

/// Lies in a box of the table's.
pub(crate) struct Large(Counted, #[allow(dead_code)] [usize; 20]);

impl Value for Large {
    fn new(number: usize) -> Self {
        Self(Counted::new(number), [number; 20])
    }

    fn number(&self) -> usize {
        self.0.number()
    }
}

/// All values that were made are dropped.
#[track_caller]
pub(crate) fn assert_all_dropped() {
    assert_eq!(DROPPED.load(SeqCst), MADE.load(SeqCst));
}
