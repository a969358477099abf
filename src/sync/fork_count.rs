//! How often this process and those that it came from have forked, as far as this crate was there.

#[cfg(not(loom))]
mod imp {
    use std::sync::atomic::{AtomicUsize, Ordering};

    static FORKS: AtomicUsize = AtomicUsize::new(0);

    #[inline]
    pub(crate) fn forks() -> usize {
        // edge: none. Changes while the process has one thread.
        FORKS.load(Ordering::Relaxed)
    }

    /// In the child, which has one thread.
    pub(crate) fn count_fork() {
        // edge: none. The child has one thread.
        FORKS.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(loom)]
mod imp {
    pub(crate) fn forks() -> usize {
        0
    }
}

#[cfg(not(loom))]
pub(crate) use imp::count_fork;
pub(crate) use imp::forks;
