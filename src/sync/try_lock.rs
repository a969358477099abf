//! [`TryLock`]: a lock that no thread waits for.

use crate::sync::{const_unless_loom, AtomicBool, Ordering, UnsafeCell};

/// A value that one thread at a time can use. A thread that finds the lock taken does without.
pub(crate) struct TryLock<T> {
    taken: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: the thread that has taken the lock has the value alone, and passes it on by edge
// "sentinel".
unsafe impl<T: Send> Sync for TryLock<T> {}

impl<T> TryLock<T> {
    const_unless_loom! {
        pub(crate) const fn new(value: T) -> Self {
            Self {
                taken: AtomicBool::new(false),
                value: UnsafeCell::new(value),
            }
        }
    }

    /// Calls `f` with the value, or returns `false` if the lock is taken: by another thread, or by
    /// this one, if `f` re-enters through the user's allocator.
    pub(crate) fn try_with(&self, f: impl FnOnce(&mut T)) -> bool {
        // edge: sentinel. Acquire: after what the last holder of the lock did.
        if self.taken.swap(true, Ordering::Acquire) {
            return false;
        }
        // SAFETY: the value is this thread's alone until the store below.
        self.value.with_mut(|value| f(unsafe { &mut *value }));
        // edge: sentinel. Release: what this holder did comes before what the next one does.
        self.taken.store(false, Ordering::Release);
        true
    }
}
