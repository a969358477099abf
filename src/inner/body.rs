//! [`Inner`]: what all verbs use.

use std::{
    any::type_name,
    panic::{catch_unwind, AssertUnwindSafe},
    ptr,
    time::Instant,
};

use crossbeam_utils::CachePadded;

use super::{key::Key, lookup::Lookup, patience::Patience};
use crate::{
    config::{MAX_BATCH, MAX_SHARDS},
    epoch,
    handle::RawHandle,
    report::{self, Operation},
    shard::{Chain, Owner, Shard},
    slots::{AtomicState, Index, LiveState, Slot, SlotArray, State},
    sync::{now, Arc, AtomicPtr, AtomicUsize, Ordering},
};

/// The limits that a table is built with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Zero for a number that suits the machine.
    pub(crate) shards: usize,
    pub(crate) max_handles: usize,
    /// How many deleted values are dropped together; zero or one to drop each at once.
    pub(crate) batch: usize,
}

impl Limits {
    pub(crate) const DEFAULT: Self = Self { shards: 0, max_handles: usize::MAX, batch: 0 };

    /// How many deletes make a batch; zero for none.
    fn batch(self) -> usize {
        match self.batch {
            0 | 1 => 0,
            // As far as a limbo stack counts.
            more => more.min(MAX_BATCH),
        }
    }

    pub(super) fn shards(self) -> usize {
        let shards = match self.shards {
            _ if !cfg!(feature = "sharded") => 1,
            0 => default_shards(),
            set => set,
        };
        shards.clamp(1, MAX_SHARDS).next_power_of_two()
    }
}

/// Twice the processors, for programs with more threads than those. One of the shards is for the
/// threads that own none.
#[cfg(not(loom))]
fn default_shards() -> usize {
    let processors = std::thread::available_parallelism().map_or(4, usize::from);
    (2 * processors).max(32)
}

/// Three owners, and the shard that nobody owns: small models, and every path in them.
#[cfg(loom)]
fn default_shards() -> usize {
    4
}

/// The body of a table: everything behind its one pointer.
pub(crate) struct Inner<T> {
    key: Key,
    /// The directory in it is written on slow paths only, and read by every verb.
    pub(super) slots: SlotArray<T>,
    pub(super) shards: Box<[Shard<T>]>,
    /// Owners of shards below this number may take the fast path: all, or none if there is a quota.
    fast_shards: usize,
    /// Handles that may still be issued, in a table that was built with a limit.
    quota: Option<CachePadded<AtomicUsize>>,
    /// How many deletes make a batch of values with something to drop; zero in most tables.
    pub(super) batch: usize,
    /// Where this lies, as the `Arc` has it.
    this: AtomicPtr<Self>,
    /// With threads that have vacant slots in their hands.
    pub(super) patience: Patience,
    /// Values whose drop panicked.
    drop_panics: AtomicUsize,
    /// When this was made; `None` where there is no clock.
    pub(super) made: Option<Instant>,
    values: ValueKind,
}

/// What kind of values a table has.
#[derive(Clone, Copy)]
pub(super) struct ValueKind {
    /// The name of their type, for reports.
    pub(super) type_name: fn() -> &'static str,
    /// Whether a deleted value may wait for its readers.
    pub(super) have_readers: bool,
}

/// What the calling thread works with: the shard that it owns or, if it owns none, shard 0, which
/// no thread owns. Valid for one call, since a thread neither gains nor loses its lease during
/// one that returns.
pub(super) enum ShardAccess<'t, T> {
    Owner(Owner<'t, T>),
    Shared(&'t Shard<T>),
}

impl<'t, T> ShardAccess<'t, T> {
    pub(super) fn shard(&self) -> &'t Shard<T> {
        match self {
            Self::Owner(owner) => owner.shard(),
            Self::Shared(shard) => shard,
        }
    }
}

impl<T> Inner<T> {
    pub(crate) fn new(limits: Limits) -> Arc<Self> {
        Self::of_kind(limits, ValueKind { type_name: type_name::<T>, have_readers: true })
    }

    pub(super) fn of_kind(limits: Limits, values: ValueKind) -> Arc<Self> {
        let this = Arc::new(Self::make(limits, values));
        // edge: none. Nobody else has it.
        this.this.store(Arc::as_ptr(&this).cast_mut(), Ordering::Relaxed);
        this
    }

    fn make(limits: Limits, values: ValueKind) -> Self {
        let is_limited = limits.max_handles != usize::MAX;
        let shards = limits.shards();
        let slots = SlotArray::new(shards);
        let layout = slots.layout();
        let all: Box<[_]> =
            (0..shards).map(|number| Shard::new(number, layout.range(number))).collect();
        Self {
            key: Key::random(all.as_ptr().addr()),
            slots,
            shards: all,
            fast_shards: if is_limited { 0 } else { shards },
            quota: is_limited.then(|| CachePadded::new(AtomicUsize::new(limits.max_handles))),
            batch: limits.batch(),
            this: AtomicPtr::new(ptr::null_mut()),
            patience: Patience::new(),
            drop_panics: AtomicUsize::new(0),
            made: now(),
            values,
        }
    }

    #[inline]
    pub(crate) fn lookup(&self) -> Lookup<'_, T> {
        Lookup::new(self.key, self.slots.directory())
    }

    /// The handle of a slot that is live in this state.
    #[inline]
    pub(super) fn handle(&self, live: LiveState) -> RawHandle {
        self.key.handle(live)
    }

    /// The handle of a slot that was seen in this state, if that is live.
    pub(super) fn handle_of(&self, state: State) -> Option<RawHandle> {
        LiveState::of(state).map(|live| self.handle(live))
    }

    /// The shard that the calling thread works with.
    pub(super) fn access(&self) -> ShardAccess<'_, T> {
        match self.shards.get(epoch::own_shard()) {
            // SAFETY: the thread's lease is that of this shard number, in every table, and is kept
            // until the thread ends, which no call outlives. The slots are this table's.
            Some(shard) => ShardAccess::Owner(unsafe { Owner::new(shard, &self.slots) }),
            None => ShardAccess::Shared(&self.shards[0]),
        }
    }

    /// Fast path: `Some` if this thread owns a shard and has used some table before, and the table
    /// has no limit. Otherwise see [`access`](Self::access).
    #[inline]
    pub(super) fn owner_fast(&self) -> Option<Owner<'_, T>> {
        let number = epoch::own_shard_fast();
        // SAFETY: the number is less than that of the shards. The thread's lease is that of this
        // shard number, in every table, and is kept until the thread ends, which no call outlives.
        // The slots are this table's.
        (number < self.fast_shards).then(|| unsafe {
            let shard = self.shards.get_unchecked(number);
            Owner::new(shard, &self.slots)
        })
    }

    /// The shard that the slot with this index belongs to.
    #[inline]
    pub(super) fn home(&self, index: Index) -> &Shard<T> {
        let number = self.slots.layout().shard(index);
        // SAFETY: the shard number of an index is less than the number of shards.
        unsafe { self.shards.get_unchecked(number) }
    }

    /// Frees a slot that the caller owns, to be issued with `generation` next, or marks it as
    /// exhausted if there is no such generation.
    #[inline]
    pub(super) fn free_slot(&self, state: &AtomicState, index: Index, generation: usize) {
        match self.owner_fast() {
            Some(owner) if owner.shard().number() == self.slots.layout().shard(index) => {
                owner.free(state, index, generation);
            }
            _ => self.free_remote(state, index, generation),
        }
    }

    #[cold]
    #[inline(never)]
    fn free_remote(&self, state: &AtomicState, index: Index, generation: usize) {
        if let Some(chain) = Chain::new(state, index, generation) {
            self.home(index).vacant().push(&chain);
        }
    }

    /// One more owner of this body.
    pub(super) fn shared(&self) -> Arc<Self> {
        // edge: none. Stored before any other thread had this.
        let this = self.this.load(Ordering::Relaxed).cast_const();
        // SAFETY: `new` got the pointer from the `Arc` in which this lies.
        unsafe {
            Arc::increment_strong_count(this);
            Arc::from_raw(this)
        }
    }

    /// Which table it is, to be compared.
    pub(super) fn id(&self) -> *const () {
        ptr::from_ref(self).cast()
    }

    /// Whether a deleted value may wait for its readers.
    pub(super) fn have_readers(&self) -> bool {
        self.values.have_readers
    }

    /// Takes the right to issue one handle; `false` if the table's limit is reached.
    pub(super) fn take_quota(&self) -> bool {
        let Some(quota) = &self.quota else {
            return true;
        };
        let less = |left: usize| left.checked_sub(1);
        // edge: none. A count that is never exceeded; no other access is inferred from it.
        quota.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }

    /// Whether as many handles are issued or reserved as the table's limit allows.
    pub(super) fn is_at_limit(&self) -> bool {
        // edge: none. A count; no other access is inferred from it.
        self.quota.as_ref().is_some_and(|quota| quota.load(Ordering::Relaxed) == 0)
    }

    /// Returns the right to issue one handle.
    pub(super) fn return_quota(&self) {
        if let Some(quota) = &self.quota {
            // edge: none. A count that is never exceeded; no other access is inferred from it.
            quota.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Every slot that may have been used, with its index.
    pub(super) fn used_slots(&self) -> impl Iterator<Item = (Index, Slot<'_, T>)> {
        self.shards.iter().flat_map(|shard| {
            let layout = self.slots.layout();
            let index = move |number| layout.index(number, shard.number());
            shard
                .slots(&self.slots, 0..shard.used())
                .map(move |(number, slot)| (index(number), slot))
        })
    }

    /// Calls `drop_it`, which drops values. A panic goes no further, and is counted.
    pub(super) fn catch_drop_panic(&self, drop_it: impl FnOnce()) {
        if cfg!(loom) {
            // loom reports what it finds by panicking.
            drop_it();
        } else if let Err(payload) = catch_unwind(AssertUnwindSafe(drop_it)) {
            // edge: none. A count.
            self.drop_panics.fetch_add(1, Ordering::Relaxed);
            report::panicked(Operation::Drop, self.values.type_name, payload);
        }
    }

    /// How many values panicked in their drop.
    pub(super) fn drop_panics(&self) -> usize {
        // edge: none. A count.
        self.drop_panics.load(Ordering::Relaxed)
    }
}
