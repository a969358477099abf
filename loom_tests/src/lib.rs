//! What the models in `tests/` share: how far loom searches, and values that loom watches.
//!
//! A model that cannot fail is worth nothing. The name of each model says what holds, and its doc
//! comment says which step it notices the loss of. loom sees only accesses to its own types, so a
//! read after a drop goes unnoticed unless the value is made of them: hence [`Tracked`].
//!
//! What loom cannot see:
//! - It treats SeqCst loads and stores as AcqRel. This crate uses none.
//! - It makes SeqCst *fences* stronger than C++20 does: each one happens before the next.
//! - It lets no load see a store that has not been executed yet, so it finds no load buffering.
//! - It knows nothing of ordinary memory.
//! - It explores only schedules within a bound on the number of preemptions.
//!
//! Some models have a twin among the models of single parts, which lie in the crate's `src/` and
//! are called `parts::`. A part is small enough for three threads and three preemptions, so its
//! model proves the algorithm. The model here proves the wiring: that the table uses the part, and
//! uses it correctly.
#![cfg(loom)]
#![allow(unsafe_code)] // cells that loom watches

#[path = "../../src/loom_models/replay.rs"]
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

/// The table of a model. It is shared through std's `Arc`, which gives loom no edges.
pub type Table = StdArc<HandleTable<Tracked>>;

/// Explores `model` with up to `LOOM_MAX_PREEMPTIONS` preemptions, or 2 if that is not set.
pub fn check(model: impl Fn() + Send + Sync + 'static) {
    check_with_fewer(0, model);
}

/// Explores `model` with `fewer` preemptions less than [`check`] does. For a large model that
/// notices its fault with that many.
pub fn check_with_fewer(fewer: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    let most = builder.preemption_bound.unwrap_or(2);
    builder.preemption_bound = Some(most.saturating_sub(fewer));
    builder.max_branches = builder.max_branches.max(20_000);
    replay::check(&builder, model);
}

/// An empty table with this many shards, or with a single shared one if the feature `sharded` is
/// off.
///
/// The calling thread has a lease. The first thread that takes one also makes the process's readers
/// light, so no model begins in the middle of that.
pub fn table(shards: usize) -> Table {
    table_of(shards)
}

/// A [`table`] of other values.
pub fn table_of<T>(shards: usize) -> StdArc<HandleTable<T>> {
    let table = StdArc::new(HandleTable::builder().shards(shards).build());
    drop(table.pin());
    table
}

/// A [`table`] of one shard that drops deleted values in batches of two.
pub fn table_of_batches() -> Table {
    let table = StdArc::new(HandleTable::builder().shards(1).batch(2).build());
    drop(table.pin());
    table
}

/// Like [`table`], but the calling thread has no lease yet.
pub fn unused_table(shards: usize) -> Table {
    StdArc::new(HandleTable::builder().shards(shards).build())
}

/// Threads that hold all leases but the one of the calling thread, so that threads that are spawned
/// later find none free. They wait, without a guard, until this is dropped.
#[derive(Debug)]
pub struct AllLeases(#[allow(dead_code)] Vec<Idle>);

impl AllLeases {
    /// Takes them, without preemption.
    pub fn take() -> Self {
        loom::stop_exploring();
        let table = table_of::<u8>(1);
        let holders = (1..LEASES).map(|_| race(&table, |table| drop(table.pin()), || ()).2);
        let holders = holders.collect();
        loom::explore();
        Self(holders)
    }
}

/// Runs `there` on a new thread while the calling thread runs `here`, and returns both results.
///
/// The new thread ends when the returned [`Idle`] is dropped. A model keeps it until its last line,
/// because the end of a thread has models of its own.
pub fn race<S: 'static, A: 'static, B>(
    table: &StdArc<S>,
    there: impl FnOnce(&StdArc<S>) -> A + 'static,
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

/// A thread that has finished its work and waits for its end.
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

/// Waits until `thread` has ended and its thread-locals are destroyed.
///
/// loom's own `join` returns before that. The destructors would then run during the end of the
/// model, where loom drops its statics in no fixed order.
pub fn join<T>(thread: JoinHandle<T>) -> T {
    let answer = thread.join().unwrap();
    // More yields than the thread can be preempted.
    for _ in 0..6 {
        thread::yield_now();
    }
    answer
}

/// Makes the values of a model, and counts those that are alive.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    alive: StdArc<StdAtomicUsize>,
}

impl Ledger {
    /// A ledger of no values.
    pub fn new() -> Self {
        Self::default()
    }

    /// A value with this number.
    pub fn value(&self, number: usize) -> Tracked {
        self.alive.fetch_add(1, Relaxed);
        Tracked { number: UnsafeCell::new(number), alive: StdArc::clone(&self.alive) }
    }

    /// How many values were made and not yet dropped. loom doesn't see this access.
    pub fn alive(&self) -> usize {
        self.alive.load(Relaxed)
    }

    /// Drops the table, which no other thread has any more, and checks that no value is left.
    pub fn close<S>(&self, table: StdArc<S>) {
        match StdArc::try_unwrap(table) {
            Ok(table) => drop(table),
            Err(_) => panic!("the model ended while a thread still had the table"),
        }
        assert_eq!(self.alive(), 0, "values were leaked");
    }
}

/// A value of which loom checks every use: reads against its drop, and its making against reads.
#[derive(Debug)]
pub struct Tracked {
    number: UnsafeCell<usize>,
    alive: StdArc<StdAtomicUsize>,
}

// SAFETY: loom checks every access to the cell. The models claim that all of them are ordered.
unsafe impl Sync for Tracked {}

const DROPPED: usize = usize::MAX;

impl Tracked {
    /// Reads the value.
    pub fn number(&self) -> usize {
        // SAFETY: loom has checked that no thread writes at the same time.
        let number = self.number.with(|number| unsafe { *number });
        assert_ne!(number, DROPPED, "read after its drop");
        number
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        self.number.with_mut(|number| {
            // SAFETY: loom has checked that no other thread reads or writes at the same time.
            let before = unsafe { number.replace(DROPPED) };
            assert_ne!(before, DROPPED, "dropped twice");
        });
        assert_ne!(self.alive.fetch_sub(1, Relaxed), 0, "dropped twice");
    }
}

/// A mark that a thread sets outside of any table. loom fails a model in which another thread looks
/// at the mark without happening after the thread that set it.
#[derive(Debug)]
pub struct Mark(UnsafeCell<bool>);

// SAFETY: loom checks every access to the cell. The models claim that all of them are ordered.
unsafe impl Sync for Mark {}

impl Mark {
    /// A mark that is not set.
    pub fn new() -> StdArc<Self> {
        StdArc::new(Self(UnsafeCell::new(false)))
    }

    /// Sets the mark.
    pub fn set(&self) {
        // SAFETY: loom has checked that no other thread looks at the same time.
        self.0.with_mut(|is_set| unsafe { *is_set = true });
    }

    /// Checks that the mark is set, and that the caller happens after that.
    pub fn assert_set(&self) {
        // SAFETY: loom has checked that no thread writes at the same time.
        assert!(self.0.with(|is_set| unsafe { *is_set }));
    }
}

/// Whether the answer is that the handle was deleted.
pub fn is_deleted<T>(answer: &Result<T, HandleError>) -> bool {
    matches!(answer, Err(HandleError::Deleted { .. }))
}

/// Whether the answer is that of a handle that was looked up before it was valid: unknown, or
/// without a value yet.
pub fn is_not_issued(error: HandleError) -> bool {
    matches!(error, HandleError::Unknown { .. } | HandleError::NotYet { .. })
}

/// The width of a handle's index. This is a copy of `INDEX_BITS` in the crate's `src/config.rs`,
/// which is private: these models use the table as a user does. If the two ever differ, then
/// `verbs::a_guessed_handle_has_no_value_until_published` fails.
const INDEX_BITS: u32 = if usize::BITS == 64 { 32 } else { 20 };

/// Forges the handle that the slot of `handle` is issued under next. It flips the lowest bit of the
/// generation, so the generation of `handle` must be even.
pub fn forge_next<T>(handle: Handle<T>) -> Handle<T> {
    let Ok(forged) = Handle::from_raw(handle.to_raw() ^ (1 << INDEX_BITS)) else {
        unreachable!("the top bit is set");
    };
    forged
}

/// Whether two handles name the same slot.
pub fn same_slot<T>(a: Handle<T>, b: Handle<T>) -> bool {
    let index = |handle: Handle<T>| handle.to_raw() & ((1 << INDEX_BITS) - 1);
    index(a) == index(b)
}

/// Looks a value up, and reads it if it is not deleted yet.
pub fn read(table: &Table, handle: Handle<Tracked>, number: usize) {
    match table.get(handle) {
        Ok(value) => assert_eq!(value.number(), number),
        error => assert!(is_deleted(&error)),
    }
}

/// Checks that nothing waits, and that so many values are alive. All calls have ended, and no guard
/// is held.
pub fn assert_settled(table: &Table, ledger: &Ledger, alive: usize) {
    assert_eq!(table.stats().pending, 0, "a value waits for nobody");
    assert_eq!(ledger.alive(), alive);
}

/// How many leases there are under loom. This is a copy of `MAX_SHARDS` in the crate's
/// `src/config.rs`. If it were less than that, threads would find a lease free after `AllLeases`,
/// and their models would show less.
const LEASES: usize = 4;

/// Ends all grace periods that have begun, unless a thread is reading. Batches of other tables
/// become ready, but are not touched.
pub fn end_grace_periods(other: &HandleTable<u8>) {
    other.remove(other.insert(0)).unwrap();
}

/// A table for [`end_grace_periods`].
pub fn other_table() -> StdArc<HandleTable<u8>> {
    let other = HandleTable::builder().shards(1).build();
    let _ = other.insert(0);
    StdArc::new(other)
}
