//! What is known of the calling thread without asking for its registration.

use std::cell::Cell;

/// A shard number that no table has.
pub(super) const NO_SHARD: usize = usize::MAX;

#[cfg(not(loom))]
thread_local! {
    static SHARD: Cell<usize> = const { Cell::new(NO_SHARD) };
    /// How many guards without a record the thread has.
    pub(super) static OUTSIDE: Cell<usize> = const { Cell::new(0) };
    /// Whether the thread drops what is left until nothing is.
    pub(super) static IN_TURN: Cell<bool> = const { Cell::new(false) };
    /// Whether the thread is counted as one without a lease that is dropping something.
    pub(super) static DROPS_OUTSIDE: Cell<bool> = const { Cell::new(false) };
    /// The system's number of the thread when it forked last.
    pub(super) static FORKED_AS: Cell<usize> = const { Cell::new(0) };
}

// loom's macro doesn't know `const`.
#[cfg(loom)]
loom::thread_local! {
    static SHARD: Cell<usize> = Cell::new(NO_SHARD);
}

/// The number of the shard that the calling thread owns in every table with so many shards. For a
/// thread that owns none or is not registered yet, a number that no table has.
#[inline]
pub(crate) fn own_shard_fast() -> usize {
    #[cfg(not(loom))]
    return SHARD.get();
    #[cfg(loom)]
    SHARD.try_with(Cell::get).unwrap_or(NO_SHARD)
}

/// Says which shard the thread owns.
pub(super) fn set_own_shard(shard: usize) {
    #[cfg(not(loom))]
    SHARD.set(shard);
    #[cfg(loom)]
    let _ = SHARD.try_with(|own| own.set(shard));
}

/// The calling thread's lease number plus one, which is the number of its shard; zero without a
/// lease.
#[inline]
pub(super) fn own_id() -> usize {
    match own_shard_fast() {
        NO_SHARD => 0,
        shard => shard,
    }
}
