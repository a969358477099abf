//! [`Builder`]: a table's two settings.

use std::{fmt, marker::PhantomData};

use super::handle_table::HandleTable;
use crate::{config::MAX_SHARDS, inner::Inner, sync::const_unless_loom};

/// Settings of a table to be: made by [`HandleTable::builder`].
pub struct Builder<T> {
    limits: Limits,
    _values: PhantomData<fn() -> T>,
}

/// What a table's core is made to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Zero for what suits the machine.
    shards: usize,
    max_handles: usize,
}

impl Limits {
    pub(crate) const DEFAULT: Self = Self {
        shards: 0,
        max_handles: usize::MAX,
    };

    pub(crate) fn make_inner<T>(self) -> Inner<T> {
        let shards = match self.shards {
            _ if !cfg!(feature = "sharded") => 1,
            0 => default_shards(),
            set => set,
        };
        Inner::new(
            shards.clamp(1, MAX_SHARDS).next_power_of_two(),
            self.max_handles,
        )
    }
}

/// One for the threads that own none, and enough for programs with more threads than processors.
#[cfg(not(loom))]
fn default_shards() -> usize {
    let processors = std::thread::available_parallelism().map_or(4, usize::from);
    (2 * processors).max(32)
}

/// Two owners, and the shard that nobody owns: small models, and every path in them.
#[cfg(loom)]
fn default_shards() -> usize {
    4
}

impl<T> Builder<T> {
    pub(crate) const fn new() -> Self {
        Self {
            limits: Limits::DEFAULT,
            _values: PhantomData,
        }
    }

    /// How many shards the table has: rounded up to a power of two, between 1 and 1024.
    ///
    /// All but one can each be owned by a thread, which then inserts and deletes without touching
    /// what other threads write; a thread takes the lowest free number at its first use of any
    /// table and keeps it until it ends. Threads past that share the one that is left: everything works,
    /// with a few compare-exchanges more. The default is twice the machine's parallelism, at least
    /// 32. A shard takes about 900 bytes, and the slots that are used in it.
    ///
    /// Without the cargo feature `sharded` a table has one shard, whatever is said here.
    pub const fn shards(mut self, shards: usize) -> Self {
        self.limits.shards = if shards == 0 { 1 } else { shards };
        self
    }

    /// How many handles may be live at once; the default is what the handle's bits allow: at
    /// least 2^30 on 64-bit targets, 2^19 on 32-bit ones, and more with more shards.
    ///
    /// The limit is exact, and costs an atomic count on a line that all threads share, on each
    /// insert and delete.
    pub const fn max_handles(mut self, handles: usize) -> Self {
        self.limits.max_handles = handles;
        self
    }

    const_unless_loom! {
        /// The table, empty.
        pub const fn build(self) -> HandleTable<T> {
            HandleTable::with_limits(self.limits)
        }
    }
}

impl<T> fmt::Debug for Builder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.limits.fmt(f)
    }
}
