//! Walkers, one at a time: the flag that keeps batches away, and the list of those walkers who are
//! still dropping what they took.

use std::fmt;

use crate::sync::{fence, Arc, AtomicBool, AtomicUsize, Backoff, Ordering, UnsafeCell};

/// One table's walkers.
pub(crate) struct SweepLock {
    /// One while a walker takes values out, else zero: a lock, for walkers.
    flag: AtomicUsize,
    /// The drops that had not ended when a walker last looked. Whoever raised the flag has it.
    running: UnsafeCell<Vec<Arc<AtomicBool>>>,
}

// SAFETY: `running` is touched by whoever raised the flag, one at a time; edge "walk".
unsafe impl Sync for SweepLock {}
// SAFETY: as above; nothing in it belongs to a thread.
unsafe impl Send for SweepLock {}

impl SweepLock {
    pub(crate) fn new() -> Self {
        Self {
            flag: AtomicUsize::new(0),
            running: UnsafeCell::new(Vec::new()),
        }
    }

    /// Whether a walker is at work, so that batches must be left alone.
    pub(crate) fn is_locked(&self) -> bool {
        // edge: sweep. After what the last walker did.
        self.flag.load(Ordering::Acquire) != 0
    }

    /// Raises the flag, once no one else has it up. Whoever enters a batch from here on sees it, or
    /// is seen.
    pub(crate) fn lock(&self) -> SweepGuard<'_> {
        let mut backoff = Backoff::new();
        // edge: sweep. Relaxed: the fence acquires what the last walker released.
        while self
            .flag
            .compare_exchange(0, 1, Ordering::Relaxed, Ordering::Relaxed)
            .is_err()
        {
            backoff.wait();
        }
        // edge: sweep. The fence between our flag and our look; `Shard::enter` has its twin.
        fence(Ordering::SeqCst);
        SweepGuard(self)
    }
}

impl fmt::Debug for SweepLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SweepLock").finish_non_exhaustive()
    }
}

/// A walker with its flag up.
pub(crate) struct SweepGuard<'w>(&'w SweepLock);

impl SweepGuard<'_> {
    /// Begins a drop, of what this walker has taken. Returns it, and those that others have begun
    /// and not ended.
    pub(crate) fn begin_drop(&self) -> (Drops, Vec<Drops>) {
        let mine = Arc::new(AtomicBool::new(false));
        let others = self.0.running.with_mut(|running| {
            // SAFETY: the flag is up, and it is ours.
            let running = unsafe { &mut *running };
            running.retain(|drops| !is_over(drops));
            let others = running.iter().map(|drops| Drops(Arc::clone(drops)));
            let others = others.collect();
            running.push(Arc::clone(&mine));
            others
        });
        (Drops(mine), others)
    }
}

impl Drop for SweepGuard<'_> {
    fn drop(&mut self) {
        // edge: sweep. What this walker did comes before the next walker and the next batch.
        self.0.flag.store(0, Ordering::Release);
    }
}

/// The drops of what one walker took in one go.
pub(crate) struct Drops(Arc<AtomicBool>);

fn is_over(drops: &AtomicBool) -> bool {
    // edge: sweep. After those drops.
    drops.load(Ordering::Acquire)
}

impl Drops {
    /// Drops `values` by `drop_one`; over then, even if that unwinds.
    pub(crate) fn run<V>(self, values: Vec<V>, drop_one: impl Fn(V)) {
        struct End(Arc<AtomicBool>);
        impl Drop for End {
            fn drop(&mut self) {
                // edge: sweep. These drops come before what those do who wait for them.
                self.0.store(true, Ordering::Release);
            }
        }
        let _end = End(self.0);
        values.into_iter().for_each(drop_one);
    }

    /// Waits until they are over.
    pub(crate) fn wait(self) {
        let mut backoff = Backoff::new();
        while !is_over(&self.0) {
            backoff.wait();
        }
    }
}
