//! Reclamation: how a batch of deleted slots comes back to its shard once a grace period has
//! passed, and how to wait for one.
//!
//! The deferred closure drops no value. It only puts its batch on the list of ready ones; the
//! owner drops the values later, on its own thread, between two operations. So no user code ever
//! runs inside somebody's `pin()`.

use std::ptr;

use crossbeam_utils::CachePadded;

use crate::{
    batch::{Batch, Batches, Run},
    sync::{yield_now, Arc, AtomicBool, AtomicPtr, AtomicUsize, Ordering},
    thread,
};

/// For each shard the batches whose grace period is over. It outlives its table where closures
/// are still to come, and then holds batches of slots that are gone, which nobody looks at.
#[derive(Debug)]
pub(crate) struct ReadyLists {
    lists: Box<[CachePadded<ReadyList>]>,
}

#[derive(Debug)]
struct ReadyList {
    head: AtomicPtr<Batch>,
    /// Slots of batches that were sealed for this shard and not taken yet, ready or not.
    waiting: AtomicUsize,
}

impl ReadyLists {
    pub(crate) fn new(shards: usize) -> Self {
        let empty = |_| {
            CachePadded::new(ReadyList {
                head: AtomicPtr::new(ptr::null_mut()),
                waiting: AtomicUsize::new(0),
            })
        };
        Self {
            lists: (0..shards).map(empty).collect(),
        }
    }

    /// Sends `run` into the future: it is ready for `shard` after every thread that is pinned now
    /// has unpinned.
    pub(crate) fn retire(this: &Arc<Self>, shard: usize, run: Run) {
        let batch = Batch::new(run, shard);
        let home = Arc::clone(this);
        let waiting = &this.lists[shard].waiting;
        // edge: none. A count, and nothing follows from it.
        waiting.fetch_add(run.len, Ordering::Relaxed);
        // edge: grace. All unlinks of the batch come before its seal in the collector's queue.
        defer(move || home.deliver(batch));
    }

    /// What the deferred closure does, on any thread.
    pub(crate) fn deliver(&self, batch: Box<Batch>) {
        let head = &self.lists[batch.shard()].head;
        let batch = Box::into_raw(batch);
        // edge: none. The compare-exchange checks it.
        let mut top = head.load(Ordering::Relaxed);
        loop {
            // SAFETY: the batch is ours until the exchange below succeeds, and then takes along what
            // is below it.
            unsafe { (*batch).link(top) };
            // edge: grace. What all readers did comes before what the taker does. Pushed by many
            // and taken whole, so a head that came back is as good as the same one.
            match head.compare_exchange_weak(top, batch, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => top = now,
            }
        }
    }

    /// Whether any batch is ready for `shard`.
    pub(crate) fn any(&self, shard: usize) -> bool {
        // edge: none. Only whether it is worth to take them.
        !self.lists[shard].head.load(Ordering::Relaxed).is_null()
    }

    /// How many slots were sealed in batches of `shard` that have not been taken.
    pub(crate) fn waiting(&self, shard: usize) -> usize {
        // edge: none. A count, and nothing follows from it.
        self.lists[shard].waiting.load(Ordering::Relaxed)
    }

    /// Takes all batches that are ready for `shard`, newest first.
    pub(crate) fn take(&self, shard: usize) -> impl Iterator<Item = Box<Batch>> + '_ {
        let ReadyList { head, waiting } = &*self.lists[shard];
        // edge: grace. After all readers, by way of the closures.
        let first = head.swap(ptr::null_mut(), Ordering::Acquire);
        // SAFETY: `deliver` made them from boxes and linked them, and they were taken whole.
        let batches = unsafe { Batches::from_raw(first) };
        batches.inspect(|batch| {
            // edge: none. A count, and nothing follows from it.
            waiting.fetch_sub(batch.run().len, Ordering::Relaxed);
        })
    }
}

impl Drop for ReadyLists {
    fn drop(&mut self) {
        for shard in 0..self.lists.len() {
            drop(self.take(shard));
        }
    }
}

/// A grace period on its way: over once every thread that was pinned at its start has unpinned.
pub(crate) struct Grace(Arc<AtomicBool>);

impl Grace {
    pub(crate) fn start() -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&over);
        // edge: grace. What the readers did comes before what the one who waits does.
        defer(move || told.store(true, Ordering::Release));
        Self(over)
    }

    /// Helps the epoch forward as long as that gets anywhere; says whether the grace period is over.
    /// A reader who holds on makes it give up, one who was only preempted gets a chance to run.
    pub(crate) fn help(&self) -> bool {
        let (mut idle, mut before) = (0, deferred());
        while !self.is_over() && idle < STEPS_OF_HELP {
            if idle == 0 {
                count_leftovers();
            }
            thread::pin().flush();
            if !self.is_over() {
                yield_now();
            }
            let now = deferred();
            idle = if now < before { 0 } else { idle + 1 };
            before = now;
        }
        self.is_over()
    }

    pub(crate) fn is_over(&self) -> bool {
        // edge: grace. After all readers, by way of the closure.
        self.0.load(Ordering::Acquire)
    }
}

/// Has the collector call `f` after a grace period that begins now.
fn defer(f: impl FnOnce() + Send + 'static) {
    count_deferred(1);
    let guard = thread::pin();
    guard.defer(move || {
        count_deferred(-1);
        f();
    });
    guard.flush();
}

/// Lets other threads run, once, so that a reader who was preempted while pinned can unpin, and
/// helps the collector on with what has piled up.
pub(crate) fn yield_to_readers() {
    yield_now();
    for _ in 0..FLUSHES_OF_A_BACKLOG {
        thread::pin().flush();
    }
}

/// Closures that wait in the collector, of all tables. Not counted under loom, where there are few.
#[cfg(not(loom))]
static DEFERRED: CachePadded<AtomicUsize> = CachePadded::new(AtomicUsize::new(0));

#[cfg(not(loom))]
fn count_deferred(step: isize) {
    // edge: none. A count, and nothing follows from it.
    DEFERRED.fetch_add(step as usize, Ordering::Relaxed);
}

#[cfg(not(loom))]
fn deferred() -> usize {
    // edge: none. As above.
    DEFERRED.load(Ordering::Relaxed)
}

/// Puts a closure beside what crossbeam left in this thread's bag when it last ran closures (the
/// nodes of its own queue), so that going through those later counts as getting somewhere.
#[cfg(not(loom))]
fn count_leftovers() {
    count_deferred(1);
    thread::pin().defer(|| count_deferred(-1));
}

#[cfg(loom)]
fn count_deferred(_: isize) {}

#[cfg(loom)]
fn deferred() -> usize {
    0
}

#[cfg(loom)]
fn count_leftovers() {}

/// Steps that get nowhere before it is given up: two epochs, one that was entered late, one to run
/// what has become ready; and some for readers who were preempted.
const STEPS_OF_HELP: usize = if cfg!(loom) { 4 } else { 64 };
/// Flushes of a thread with a backlog, for each batch: with the one of the batch itself, so many
/// times eight bags go while one comes.
const FLUSHES_OF_A_BACKLOG: usize = 7;

/// Waits a little, longer each time.
pub(crate) struct Backoff(u32);

impl Backoff {
    pub(crate) fn new() -> Self {
        Self(0)
    }

    pub(crate) fn wait(&mut self) {
        self.0 = self.0.saturating_add(1);
        #[cfg(not(loom))]
        if self.0 > 64 {
            let micros = 10 << (self.0 - 64).min(7);
            std::thread::sleep(std::time::Duration::from_micros(micros));
            return;
        }
        yield_now();
    }
}
