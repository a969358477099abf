//! What the models in `tests/` share: how far to search, and values that loom watches.
//!
//! A model that cannot fail is worth nothing. loom sees only its own types, so a value that is
//! read after its drop goes unnoticed unless it is made of them: hence [`Tracked`]. And loom's
//! schedules are bounded: each model names, in its first line, the step whose loss it notices.
//!
//! What loom cannot see: it treats SeqCst loads and stores as AcqRel (none are used here), it makes
//! SeqCst *fences* stronger than C++20 does (one happens before the next), it never lets a load
//! see a store that comes later in program order, and it knows nothing of plain memory.
#![cfg(loom)]

mod replay;

use std::sync::{
    atomic::{AtomicUsize as StdAtomicUsize, Ordering::Relaxed},
    Arc as StdArc,
};

use handle_table::{Handle, HandleError, HandleTable};
use loom::{
    cell::UnsafeCell,
    sync::mpsc,
    thread::{self, JoinHandle},
};

/// The table of a model, shared by `std`'s means, which give loom no edges.
pub type Table = StdArc<HandleTable<Tracked>>;

/// Explores `model` up to `LOOM_MAX_PREEMPTIONS`, or 2.
pub fn check(model: impl Fn() + Send + Sync + 'static) {
    check_with_fewer(0, model);
}

/// Explores `model` with so many preemptions fewer than [`check`]: one that is large, and whose
/// fear needs no more.
pub fn check_with_fewer(fewer: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    let most = builder.preemption_bound.unwrap_or(2);
    builder.preemption_bound = Some(most.saturating_sub(fewer));
    builder.max_branches = builder.max_branches.max(20_000);
    replay::check(&builder, model);
}

/// An empty table of this many shards; of one, which all share, without the feature `sharded`. This
/// thread has pinned before: a thread's first pin helps the epoch on, and is then one behind, so
/// that two deletes after it would not drop the first one's value.
pub fn table(shards: usize) -> Table {
    let table = unused_table(shards);
    drop(table.pin());
    table
}

/// As [`table`], for a thread that has no lease yet.
pub fn unused_table(shards: usize) -> Table {
    StdArc::new(HandleTable::builder().shards(shards).build())
}

/// Runs `there` in a thread of its own against `here`, and returns what both do.
///
/// The thread ends with the [`Idle`] that comes with it, which a model keeps to its last line: the
/// end of a thread has models of its own.
pub fn race<T: 'static, A: 'static, B>(
    table: &StdArc<HandleTable<T>>,
    there: impl FnOnce(&StdArc<HandleTable<T>>) -> A + 'static,
    here: impl FnOnce() -> B,
) -> (A, B, Idle) {
    let (answer, answered) = mpsc::channel();
    let (end, ended) = mpsc::channel();
    let thread = thread::spawn({
        let table = table.clone();
        move || {
            let there = there(&table);
            drop(table);
            answer.send(there).unwrap();
            ended.recv().unwrap();
        }
    });
    let here = here();
    let there = answered.recv().unwrap();
    (there, here, Idle(end, Some(thread)))
}

/// A thread that has done its part.
#[derive(Debug)]
pub struct Idle(mpsc::Sender<()>, Option<JoinHandle<()>>);

impl Drop for Idle {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        if let (Ok(()), Some(thread)) = (self.0.send(()), self.1.take()) {
            join(thread);
        }
    }
}

/// Waits for `thread` to end, its thread-locals included: loom's own `join` does not, and what they
/// then do would mix with the end of the model, where loom drops its statics in no fixed order.
pub fn join<T>(thread: JoinHandle<T>) -> T {
    let answer = thread.join().unwrap();
    // As many turns for it as it can be preempted, and more.
    for _ in 0..6 {
        thread::yield_now();
    }
    answer
}

/// How many values of a model are alive, and where they come from.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    alive: StdArc<StdAtomicUsize>,
}

impl Ledger {
    pub fn new() -> Self {
        Self::default()
    }

    /// A value that says `number`.
    pub fn value(&self, number: usize) -> Tracked {
        self.alive.fetch_add(1, Relaxed);
        Tracked {
            number: UnsafeCell::new(number),
            alive: StdArc::clone(&self.alive),
        }
    }

    /// Values that were made and not yet dropped. Not an access that loom knows of.
    pub fn alive(&self) -> usize {
        self.alive.load(Relaxed)
    }

    /// Drops the table, which no other thread has any more; nothing may be left.
    pub fn close(&self, table: Table) {
        match StdArc::try_unwrap(table) {
            Ok(table) => drop(table),
            Err(_) => panic!("the model ended while a thread still had the table"),
        }
        assert_eq!(self.alive(), 0, "values were leaked");
    }
}

/// A value whose every use loom checks: reads against its drop, its making against reads.
#[derive(Debug)]
pub struct Tracked {
    number: UnsafeCell<usize>,
    alive: StdArc<StdAtomicUsize>,
}

// SAFETY: loom checks every access to the cell; that none is unordered is what the models claim.
unsafe impl Sync for Tracked {}

const DROPPED: usize = usize::MAX;

impl Tracked {
    /// Looks at the value.
    pub fn number(&self) -> usize {
        // SAFETY: loom has checked that nobody writes meanwhile.
        let number = self.number.with(|number| unsafe { *number });
        assert_ne!(number, DROPPED, "read after its drop");
        number
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        self.number.with_mut(|number| {
            // SAFETY: loom has checked that nobody else has it.
            let before = unsafe { number.replace(DROPPED) };
            assert_ne!(before, DROPPED, "dropped twice");
        });
        assert_ne!(self.alive.fetch_sub(1, Relaxed), 0, "dropped twice");
    }
}

/// Something that a thread does, outside of any table: loom fails a model in which another thread
/// looks at it without coming after it.
#[derive(Debug)]
pub struct Deed(UnsafeCell<bool>);

// SAFETY: as for `Tracked`.
unsafe impl Sync for Deed {}

impl Deed {
    /// Not yet done.
    pub fn new() -> StdArc<Self> {
        StdArc::new(Self(UnsafeCell::new(false)))
    }

    /// Does it.
    pub fn done(&self) {
        // SAFETY: loom has checked that nobody else looks meanwhile.
        self.0.with_mut(|done| unsafe { *done = true });
    }

    /// The caller comes after `done`.
    pub fn assert_done(&self) {
        // SAFETY: loom has checked that nobody writes meanwhile.
        assert!(self.0.with(|done| unsafe { *done }));
    }
}

/// Whether the answer is that the handle was deleted.
pub fn is_deleted<T>(answer: &Result<T, HandleError>) -> bool {
    matches!(answer, Err(HandleError::Deleted { .. }))
}

const INDEX_BITS: u32 = if usize::BITS == 64 { 32 } else { 20 };

/// The handle that the slot of `handle`, in an even generation, is issued under next: a forgery.
pub fn next_of_even(handle: Handle) -> Handle {
    let Ok(forged) = Handle::from_raw(handle.into_raw() ^ (1 << INDEX_BITS)) else {
        unreachable!("the top bit is set");
    };
    forged
}

/// Whether two handles name the same slot.
pub fn same_slot(a: Handle, b: Handle) -> bool {
    let index = |handle: Handle| handle.into_raw() & ((1 << INDEX_BITS) - 1);
    index(a) == index(b)
}

/// Lets every grace period that has begun pass, if nobody is reading: batches become ready, but
/// those of other tables are not touched. Each delete helps the epoch on by a step.
pub fn pass_grace(other: &HandleTable<u8>) {
    for _ in 0..2 {
        other.remove(other.insert(0)).unwrap();
    }
}

/// What [`first_is_ready`] gives.
pub type Ready<const N: usize> = (Table, Ledger, [Handle; N], StdArc<HandleTable<u8>>);

/// A table of one shard with so many values, numbered from 0. The handle of the first is deleted, and
/// its batch is ready: the next delete drops it. And the table for [`pass_grace`].
pub fn first_is_ready<const N: usize>() -> Ready<N> {
    first_is_ready_in(table(1))
}

/// The same in a table of four shards, one of them this thread's own: the batch comes back whole.
pub fn first_is_ready_as_a_whole<const N: usize>() -> Ready<N> {
    first_is_ready_in(table(4))
}

fn first_is_ready_in<const N: usize>(table: Table) -> Ready<N> {
    let (ledger, other) = (Ledger::new(), other_table());
    let handles = std::array::from_fn(|number| table.insert(ledger.value(number)));
    table.remove(handles[0]).unwrap();
    pass_grace(&other);
    (table, ledger, handles, other)
}

/// A table for [`pass_grace`].
pub fn other_table() -> StdArc<HandleTable<u8>> {
    let other = HandleTable::builder().shards(1).build();
    other.insert(0);
    StdArc::new(other)
}
