//! [`SweepLock`]: each value is dropped once, either with its batch or by one sweep.
//!
//! Each side announces itself, and then looks for the other; between the two stands a SeqCst fence
//! (edge "sweep"):
//!
//! ```text
//! batch:  droppers += 1; fence; locked? then droppers -= 1, and the batch is left for later
//!                               else drop the batch's values, droppers -= 1
//! sweep:  lock; fence; wait until droppers == 0 in all shards; take values out; list the drops;
//!         unlock; drop what was taken; mark the drops as over
//! ```
//!
//! - If the batch's fence comes first, the sweep sees the dropper and waits for it.
//! - If the sweep's fence comes first, the batch sees the lock and turns back. A batch never waits.
//!
//! A sweep drops what it took after unlocking, so that no batch waits for a user's `Drop`.
//! `quiesce` also promises that values which other sweeps took are dropped. So it waits for the
//! drops of those sweeps, which the lock lists.

use std::fmt;

use crate::sync::{fence, Arc, AtomicBool, AtomicUsize, Backoff, OnDrop, Ordering, UnsafeCell};

/// How many threads are dropping values of one shard's batches.
#[derive(Debug)]
pub(crate) struct Droppers(AtomicUsize);

impl Droppers {
    pub(crate) fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    fn leave(&self) {
        // edge: sweep. Release: a sweep that sees this comes after what this thread did.
        self.0.fetch_sub(1, Ordering::Release);
    }

    fn is_any(&self) -> bool {
        // edge: sweep. Acquire: after all that the leaving threads did.
        self.0.load(Ordering::Acquire) != 0
    }
}

/// The right to drop values of a shard's batches; ends when this is dropped.
pub(crate) struct InBatch<'s>(&'s Droppers);

impl Drop for InBatch<'_> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

/// The lock of one table's sweeps.
pub(crate) struct SweepLock {
    /// One while a sweep takes values out, else zero.
    locked: AtomicUsize,
    /// The drops of earlier sweeps that may still be running. Only the holder of the lock reads or
    /// writes the list.
    running: UnsafeCell<Vec<Arc<AtomicBool>>>,
}

// SAFETY: only the holder of the lock touches `running`, and edge "sweep" orders one holder after
// another.
unsafe impl Sync for SweepLock {}
// SAFETY: the holder of the lock touches `running`, and nothing in it belongs to a thread.
unsafe impl Send for SweepLock {}

impl SweepLock {
    pub(crate) fn new() -> Self {
        Self { locked: AtomicUsize::new(0), running: UnsafeCell::new(Vec::new()) }
    }

    /// Lets the calling thread drop values of batches of the shard with these `droppers`; `None` if
    /// a sweep holds the lock.
    pub(crate) fn enter_batch<'s>(&self, droppers: &'s Droppers) -> Option<InBatch<'s>> {
        // edge: sweep. Relaxed: ordered by the fence. Either the sweep sees this count and waits,
        // or this thread sees the lock.
        droppers.0.fetch_add(1, Ordering::Relaxed);
        let inside = InBatch(droppers);
        // edge: sweep. SeqCst fence between our count and our look; its twin stands in `lock`.
        fence(Ordering::SeqCst);
        (!self.is_locked()).then_some(inside)
    }

    fn is_locked(&self) -> bool {
        // edge: sweep. Acquire: after what the last sweep did.
        self.locked.load(Ordering::Acquire) != 0
    }

    /// Takes the lock, after any other sweep has unlocked it. A thread that enters a batch from
    /// here on sees the lock, or is seen by the sweep.
    pub(crate) fn lock(&self) -> SweepGuard<'_> {
        let mut backoff = Backoff::new();
        // edge: sweep. Relaxed: the fence below acquires what the last sweep released.
        while self.locked.compare_exchange(0, 1, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            backoff.wait();
        }
        // edge: sweep. SeqCst fence between our lock and our look; its twin stands in
        // `enter_batch`.
        fence(Ordering::SeqCst);
        SweepGuard(self)
    }
}

impl fmt::Debug for SweepLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SweepLock").finish_non_exhaustive()
    }
}

/// A sweep that holds the lock; unlocks on drop.
pub(crate) struct SweepGuard<'l>(&'l SweepLock);

impl SweepGuard<'_> {
    /// Waits until no thread drops values of batches in these shards.
    pub(crate) fn wait_for_batches<'s>(&self, shards: impl Iterator<Item = &'s Droppers>) {
        let mut backoff = Backoff::new();
        for droppers in shards {
            while droppers.is_any() {
                backoff.wait();
            }
        }
    }

    /// Lists the drops that this sweep is about to run. Returns them, with the drops of other
    /// sweeps that still run.
    pub(crate) fn list_drops(&self) -> (Drops, Vec<Drops>) {
        let mine = Arc::new(AtomicBool::new(false));
        let others = self.0.running.with_mut(|running| {
            // SAFETY: this sweep holds the lock.
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
        // edge: sweep. Release: the next sweep and the next batch come after this sweep.
        self.0.locked.store(0, Ordering::Release);
    }
}

/// The drops of what one sweep has taken.
pub(crate) struct Drops(Arc<AtomicBool>);

fn is_over(drops: &AtomicBool) -> bool {
    // edge: sweep. Acquire: after those drops.
    drops.load(Ordering::Acquire)
}

impl Drops {
    /// Drops `values` by `drop_one`. When this returns or unwinds, the drops count as over.
    pub(crate) fn run<V>(self, values: Vec<V>, drop_one: impl Fn(V)) {
        let _end = OnDrop(|| {
            // edge: sweep. Release: a thread that waits for these drops comes after them.
            self.0.store(true, Ordering::Release);
        });
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
