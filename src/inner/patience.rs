//! [`Patience`]: with threads that have vacant slots in their hands, and are about to put them
//! back.

use crate::{
    config::PATIENCE,
    sync::{AtomicUsize, Backoff, Ordering},
};

/// How a table's inserts wait for such threads.
pub(super) struct Patience {
    /// How many have kept their slots for a whole wait. They have been stopped, or were not copied
    /// by a `fork`, and are waited for no more.
    given_up: AtomicUsize,
}

impl Patience {
    pub(super) fn new() -> Self {
        Self { given_up: AtomicUsize::new(0) }
    }

    /// Looks for something, again and again while other threads may put some back: until as often
    /// as that was begun, it was done. Not for ever: such a thread may have been stopped.
    pub(super) fn look<R>(
        &self,
        begun: impl Fn() -> usize,
        done: impl Fn() -> usize,
        mut look: impl FnMut() -> Option<R>,
    ) -> Option<R> {
        // edge: none. A hint.
        let given_up = self.given_up.load(Ordering::Relaxed);
        let (first_done, first_begun) = (done(), begun());
        let mut backoff = Backoff::new();
        for _ in 0..PATIENCE {
            let done = done();
            let found = look();
            let at_it = begun().wrapping_sub(done);
            if at_it == 0 && given_up != 0 {
                // edge: none. A hint.
                self.given_up.store(0, Ordering::Relaxed);
            }
            if found.is_some() || at_it == 0 || at_it == given_up {
                return found;
            }
            backoff.wait();
        }
        if (done(), begun()) == (first_done, first_begun) {
            // edge: none. A hint.
            self.given_up.store(first_begun.wrapping_sub(first_done), Ordering::Relaxed);
        }
        None
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// How often it looks in vain while so many threads keep slots.
    fn looks(patience: &Patience, threads: usize) -> usize {
        let mut looks = 0;
        let look = || {
            looks += 1;
            None::<()>
        };
        assert_eq!(patience.look(|| 7 + threads, || 7, look), None);
        looks
    }

    #[test]
    fn a_thread_that_never_puts_its_slots_back_is_waited_for_once() {
        let patience = Patience::new();
        assert_eq!(looks(&patience, 0), 1);
        assert_eq!(looks(&patience, 1), PATIENCE);
        assert_eq!(looks(&patience, 1), 1, "it was waited for");
        assert_eq!(looks(&patience, 2), PATIENCE, "another one");
        assert_eq!(looks(&patience, 2), 1);
        assert_eq!(looks(&patience, 0), 1, "they were stopped for a while only");
        assert_eq!(looks(&patience, 1), PATIENCE);
    }

    #[test]
    fn threads_that_come_and_go_are_waited_for_each_time() {
        let (patience, done) = (Patience::new(), Cell::new(0));
        for _ in 0..2 {
            let mut looks = 0;
            let look = || {
                looks += 1;
                done.set(done.get() + 1);
                (looks == 80).then_some(looks)
            };
            assert_eq!(patience.look(|| done.get() + 1, || done.get(), look), Some(80));
        }
        let next = || done.replace(done.get() + 1);
        assert_eq!(patience.look(|| done.get() + 1, next, || None::<()>), None);
        assert_eq!(patience.given_up.into_inner(), 0);
    }
}
