//! [`TryLock`]: a lock that no thread waits for.

use crate::sync::{const_unless_loom, forks, AtomicUsize, Ordering, UnsafeCell};

/// A value that one thread at a time can use. A thread that finds the lock taken does without.
///
/// A forked child finds locks that other threads of its parent held. It makes their values anew.
pub(crate) struct TryLock<T> {
    /// Zero, or one more than the [`forks`] of the process whose thread has the lock.
    taken: AtomicUsize,
    value: UnsafeCell<T>,
}

// SAFETY: the thread that has taken the lock has the value alone, and passes it on by edge
// "lock".
unsafe impl<T: Send> Sync for TryLock<T> {}

impl<T: Default> TryLock<T> {
    const_unless_loom! {
        pub(crate) const fn new(value: T) -> Self {
            Self {
                taken: AtomicUsize::new(0),
                value: UnsafeCell::new(value),
            }
        }
    }

    /// Calls `f` with the value, or returns `false` if the lock is taken: by another thread, or by
    /// this one, if `f` re-enters through the user's allocator.
    pub(crate) fn try_with(&self, f: impl FnOnce(&mut T)) -> bool {
        let mine = forks() + 1;
        // edge: none. The compare-exchange checks it.
        let before = self.taken.load(Ordering::Relaxed);
        if before == mine {
            return false;
        }
        // edge: lock. Acquire: after what the last holder of the lock did.
        let taken = self.taken.compare_exchange(before, mine, Ordering::Acquire, Ordering::Relaxed);
        if taken.is_err() {
            return false;
        }
        self.value.with_mut(|value| {
            if before != 0 {
                // Not dropped: who knows in which state the parent's thread has left it.
                // SAFETY: the value is this thread's alone until the store below.
                unsafe { value.write(T::default()) };
            }
            // SAFETY: as above.
            f(unsafe { &mut *value });
        });
        // edge: lock. Release: what this holder did comes before what the next one does.
        self.taken.store(0, Ordering::Release);
        true
    }
}
