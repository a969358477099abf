//! A value in one hand at a time: a lock that nobody waits for.

use crate::sync::{const_unless_loom, AtomicBool, Ordering, UnsafeCell};

/// A value that one thread at a time can have, and nobody waits for.
pub(crate) struct TryLock<T> {
    taken: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: who has taken it has it alone, and gives it back with an edge of its own, "anchor".
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

    /// Calls `f` with the value, or says `false` if somebody has it: another thread, or this one, if `f` comes
    /// back here by way of the allocator.
    pub(crate) fn try_with(&self, f: impl FnOnce(&mut T)) -> bool {
        // edge: sentinel. After what the last hand did.
        if self.taken.swap(true, Ordering::Acquire) {
            return false;
        }
        // SAFETY: it is ours alone until the store below.
        self.value.with_mut(|value| f(unsafe { &mut *value }));
        // edge: sentinel. What we did comes before what the next hand does.
        self.taken.store(false, Ordering::Release);
        true
    }
}
