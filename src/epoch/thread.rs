//! What a thread has of its own: a lease with a record or, if none is free, a membership in the
//! collector. It gets them on its first use of any table, and returns them when it ends.
//!
//! `THREAD` owns them. Its destructor returns them; or that of a key of the system, see `exit_key`,
//! if a thread comes to use tables after the destructors of its thread-locals.
//!
//! Under std two more thread-locals repeat what `THREAD` holds, without a destructor and without
//! lazy initialization, so that the fast path is one check and one load.

use std::cell::RefCell;
#[cfg(not(loom))]
use std::{cell::Cell, ffi::c_void, ptr::NonNull};

#[cfg(not(loom))]
use super::exit_key;
use super::{
    fork::watch_forks,
    outsider::{OutsiderGuard, Participant},
    own::{own_shard_fast, set_own_shard, NO_SHARD},
    record::Record,
    world::{world, WorldRef},
};
use crate::sync::thread_local;

/// The record of a thread with a lease, and the world that it belongs to.
#[derive(Clone)]
pub(super) struct OwnRecord {
    #[cfg(not(loom))]
    record: &'static Record,
    #[cfg(loom)]
    number: usize,
    #[cfg(loom)]
    world: WorldRef,
}

impl OwnRecord {
    #[cfg(not(loom))]
    fn new(number: usize, world: WorldRef) -> Self {
        Self { record: &world.records[number] }
    }

    #[cfg(loom)]
    fn new(number: usize, world: WorldRef) -> Self {
        Self { number, world }
    }

    #[cfg(not(loom))]
    #[inline(always)]
    pub(super) fn into_ptr(self) -> NonNull<u8> {
        NonNull::from(self.record).cast()
    }

    /// # Safety
    ///
    /// `ptr` came from `into_ptr`.
    #[cfg(not(loom))]
    #[inline(always)]
    pub(super) unsafe fn from_ptr(ptr: NonNull<u8>) -> Self {
        // SAFETY: the caller's duty.
        Self { record: unsafe { ptr.cast().as_ref() } }
    }

    #[cfg(not(loom))]
    #[inline(always)]
    pub(super) fn world(&self) -> WorldRef {
        world()
    }

    /// Not the static's, which may be gone.
    #[cfg(loom)]
    pub(super) fn world(&self) -> WorldRef {
        self.world.clone()
    }

    /// The lease number.
    fn number(&self) -> usize {
        #[cfg(not(loom))]
        {
            let records = world().records.as_ptr();
            let size = size_of_val(&world().records[0]);
            (std::ptr::from_ref(self.record).addr() - records.addr()) / size
        }
        #[cfg(loom)]
        self.number
    }

    /// Returns the lease of a thread that has ended, and dropped its last guard since.
    /// `is_counted` says whether it is counted among those that are out.
    pub(super) fn give_back(&self, is_counted: bool) {
        self.world().give_back(self.number(), is_counted);
    }
}

impl std::ops::Deref for OwnRecord {
    type Target = Record;

    #[inline(always)]
    fn deref(&self) -> &Record {
        #[cfg(not(loom))]
        return self.record;
        #[cfg(loom)]
        &self.world.records[self.number]
    }
}

/// A thread's registration.
pub(super) enum Thread {
    Leased(OwnRecord),
    Outsider(Participant),
}

impl Thread {
    fn register() -> Self {
        let world = world();
        match world.claim(watch_forks) {
            Some(number) => Self::Leased(OwnRecord::new(number, world)),
            None => {
                #[cfg(not(loom))]
                exit_key::set(end_late);
                Self::Outsider(Participant::register())
            }
        }
    }

    /// The number of the shard that the thread owns in every table with so many shards. No thread
    /// owns shard 0, so lease n stands for shard n + 1.
    fn shard(&self) -> usize {
        match self {
            Self::Leased(record) => record.number() + 1,
            Self::Outsider(_) => NO_SHARD,
        }
    }

    /// The thread ends: from here on it is an outsider. Returns its record. (`Drop` is in guard.rs,
    /// since it may have to drop what waits for the thread.)
    pub(super) fn end(&self) -> Option<&OwnRecord> {
        #[cfg(not(loom))]
        {
            RECORD.set(None);
            exit_key::clear();
        }
        set_own_shard(NO_SHARD);
        match self {
            Self::Leased(record) => Some(record),
            Self::Outsider(_) => None,
        }
    }
}

thread_local! {
    /// Owns the thread's registration, which is made on first use; `None` once it has ended by
    /// [`end_late`].
    static THREAD: RefCell<Option<Thread>> = RefCell::new(Some(Thread::register()));
}

#[cfg(not(loom))]
thread_local! {
    /// The record of `THREAD` while that exists.
    static RECORD: Cell<Option<&'static Record>> = const { Cell::new(None) };
}

/// Ends the thread's registration if it is still there: called by the system as the thread ends,
/// after the destructor of `THREAD`, or instead of it.
#[cfg(not(loom))]
extern "C" fn end_late(_: *mut c_void) {
    let _ = THREAD.try_with(|thread| {
        let late = thread.try_borrow_mut().ok().and_then(|mut thread| thread.take());
        // Not borrowed any more: it may drop values, which may use tables.
        drop(late);
    });
}

/// Calls `f` with the thread's registration, which is made on first use; with `None` when the
/// thread's locals are being destroyed and the registration is gone for good.
fn with<R>(f: impl FnOnce(Option<&Thread>) -> R) -> R {
    register();
    let mut f = Some(f);
    let mut call = |thread: Option<&Thread>| f.take().map(|f| f(thread));
    let result = match THREAD.try_with(|thread| call(thread.borrow().as_ref())) {
        Ok(result) => result,
        Err(_) => call(None),
    };
    match result {
        Some(result) => result,
        None => unreachable!("called once"),
    }
}

/// The number of the shard that the calling thread owns in every table with so many shards; if it
/// owns none, a number that no table has. Registers the thread.
pub(crate) fn own_shard() -> usize {
    register();
    own_shard_fast()
}

/// Registers the thread, if it is not known to have a lease.
#[inline]
fn register() {
    if own_shard_fast() == NO_SHARD {
        register_slow();
    }
}

/// Registers the thread, and repeats what it has where that is found fast.
#[cold]
#[inline(never)]
fn register_slow() {
    let _ = THREAD.try_with(|thread| {
        if let Some(thread @ Thread::Leased(record)) = &*thread.borrow() {
            if own_shard_fast() == NO_SHARD {
                set_own_shard(thread.shard());
                #[cfg(not(loom))]
                {
                    RECORD.set(Some(record.record));
                    exit_key::set(end_late);
                    // After that, since it may call the user's allocator, and that this crate.
                    record.who.set_to_this_thread();
                }
                #[cfg(loom)]
                let _ = record;
            }
        }
    });
}

/// The record of the calling thread, if it has one and is registered.
#[cfg(not(loom))]
#[inline(always)]
pub(super) fn own_record() -> Option<OwnRecord> {
    RECORD.get().map(|record| OwnRecord { record })
}

#[cfg(loom)]
pub(super) fn own_record() -> Option<OwnRecord> {
    None
}

/// How a thread pins.
pub(super) enum Membership {
    Record(OwnRecord),
    /// Pinned already.
    Outsider(OutsiderGuard),
}

/// How the calling thread pins. Registers it.
pub(super) fn membership() -> Membership {
    with(|thread| match thread {
        Some(Thread::Leased(record)) => Membership::Record(record.clone()),
        Some(Thread::Outsider(participant)) => Membership::Outsider(participant.pin()),
        None => Membership::Outsider(Participant::register().pin()),
    })
}

/// Whether the calling thread is pinned; `None` if its registration is gone and can't tell.
/// Registers the thread.
///
/// Where thread-locals are keys of the system, as on Android, a thread that ends may register once
/// more. So a guard of its first registration is looked for, too.
pub(crate) fn is_pinned() -> Option<bool> {
    with(|thread| {
        let is_pinned = match thread? {
            Thread::Leased(record) => record.is_pinned(),
            Thread::Outsider(participant) => participant.is_pinned(),
        };
        Some(is_pinned || world().has_orphan_of_this_thread())
    })
}
