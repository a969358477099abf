//! The tables, and the handles that all threads know.

use std::{
    any::Any,
    sync::{
        atomic::{AtomicUsize, Ordering::Relaxed},
        Arc, Mutex, PoisonError,
    },
};

use handle_table::{AnyTable, Exclusive, Handle, HandleTable, OnceTable, QuiesceError, Stats};

use crate::{
    accounts::{Kind, KINDS},
    random::Rng,
    value::{Changing, Large, Soaked, Token},
};

/// Handles that all threads know, of each table.
const CELLS: usize = 128;
/// How many of them the signal handler sees.
const SHOWN: usize = 8;
/// The most handles of the bounded table.
pub const BOUND: usize = 64;

/// A handle, the number of its value, and which type that has in a table of any type.
#[derive(Clone, Copy)]
pub struct Entry {
    pub raw: usize,
    pub number: u64,
    pub of: usize,
}

/// Handles that all threads know. No lock is held during a call of a table.
pub struct Pool {
    cells: [Mutex<Option<Entry>>; CELLS],
    pub shown: [AtomicUsize; SHOWN],
}

impl Pool {
    const fn new() -> Self {
        Self {
            cells: [const { Mutex::new(None) }; CELLS],
            shown: [const { AtomicUsize::new(0) }; SHOWN],
        }
    }

    /// One of the handles, which others may delete at any time.
    pub fn any(&self, rng: &mut Rng) -> Option<Entry> {
        *self.cells[rng.below(CELLS)].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores a handle, and gives the one that was there.
    pub fn put(&self, entry: Entry, rng: &mut Rng) -> Option<Entry> {
        let nth = rng.below(CELLS);
        if let Some(shown) = self.shown.get(nth) {
            shown.store(entry.raw, Relaxed);
        }
        self.cells[nth].lock().unwrap_or_else(PoisonError::into_inner).replace(entry)
    }
}

/// A table of one type.
pub struct Typed<T> {
    pub kind: Kind,
    pub table: HandleTable<T>,
    pub pool: Pool,
}

impl<T> Typed<T> {
    const fn new(kind: Kind, table: HandleTable<T>) -> Self {
        Self { kind, table, pool: Pool::new() }
    }

    /// A table of the caller's own.
    pub fn local() -> Self {
        Self::new(Kind::Local, HandleTable::new())
    }
}

/// A table of any type.
pub struct Anys {
    pub kind: Kind,
    table: Option<AnyTable>,
    pub pool: Pool,
}

impl Anys {
    const fn new(kind: Kind, table: Option<AnyTable>) -> Self {
        Self { kind, table, pool: Pool::new() }
    }

    pub fn table(&self) -> &AnyTable {
        self.table.as_ref().unwrap_or_else(|| AnyTable::global())
    }
}

/// A table whose values are taken once.
pub struct Onces {
    pub kind: Kind,
    pub table: OnceTable<Token>,
    pub pool: Pool,
}

impl Onces {
    const fn new(kind: Kind) -> Self {
        Self { kind, table: OnceTable::new(), pool: Pool::new() }
    }
}

pub static WORDS: Typed<u64> = Typed::new(Kind::Word, HandleTable::new());
pub static TOKENS: Typed<Token> = Typed::new(Kind::Token, HandleTable::new());
pub static SHARED: Typed<Arc<Token>> = Typed::new(Kind::Shared, HandleTable::new());
pub static LARGE: Typed<Large> = Typed::new(Kind::Large, HandleTable::new());
pub static BATCHED: Typed<Token> =
    Typed::new(Kind::Batched, HandleTable::builder().batch(256).build());
pub static BOUNDED: Typed<Token> =
    Typed::new(Kind::Bounded, HandleTable::builder().shards(4).max_handles(BOUND).build());
pub static MUTABLE: Typed<Exclusive<Changing>> = Typed::new(Kind::Cell, HandleTable::new());
pub static ANYS: Anys = Anys::new(Kind::Any, Some(AnyTable::new()));
pub static ANYS_BATCHED: Anys =
    Anys::new(Kind::AnyBatched, Some(AnyTable::builder().batch(64).build()));
pub static GLOBAL: Anys = Anys::new(Kind::Global, None);

pub static ONCE: Onces = Onces::new(Kind::Once);
/// Drained now and then, so no handle of it is one thread's alone.
pub static DRAINED: Onces = Onces::new(Kind::Drained);

/// What the end of a run, and a forked child, do with each table.
pub trait Whole: Sync {
    fn kind(&self) -> Kind;
    fn flush(&self) -> usize;
    fn quiesce(&self) -> Result<(), QuiesceError>;
    fn clear(&self) -> usize;
    fn stats(&self) -> Stats;
    /// How many values the table shows to a thread that goes through all of them.
    fn count(&self) -> usize;
    fn contains(&self, raw: usize) -> bool;
}

macro_rules! whole {
    ($kind:ty, $(<$T:ident>)?, $this:ident => $table:expr, $H:ty) => {
        impl$(<$T: Send + Sync>)? Whole for $kind {
            fn kind(&self) -> Kind {
                self.kind
            }

            fn flush(&self) -> usize {
                let $this = self;
                $table.flush()
            }

            fn quiesce(&self) -> Result<(), QuiesceError> {
                let $this = self;
                $table.quiesce()
            }

            fn clear(&self) -> usize {
                let $this = self;
                $table.clear()
            }

            fn stats(&self) -> Stats {
                let $this = self;
                $table.stats()
            }

            fn count(&self) -> usize {
                let $this = self;
                $table.pin().iter().count()
            }

            fn contains(&self, raw: usize) -> bool {
                let $this = self;
                Handle::<$H>::from_raw(raw).is_ok_and(|handle| $table.contains(handle))
            }
        }
    };
}

whole!(Typed<T>, <T>, this => this.table, T);
whole!(Anys, , this => this.table(), dyn Any);

impl Whole for Onces {
    fn kind(&self) -> Kind {
        self.kind
    }

    /// Nothing waits in it.
    fn flush(&self) -> usize {
        0
    }

    fn quiesce(&self) -> Result<(), QuiesceError> {
        Ok(())
    }

    fn clear(&self) -> usize {
        self.table.drain().map(|(_, value)| value.disarm()).count()
    }

    fn stats(&self) -> Stats {
        self.table.stats()
    }

    fn count(&self) -> usize {
        self.table.len()
    }

    fn contains(&self, raw: usize) -> bool {
        Handle::from_raw(raw).is_ok_and(|handle| self.table.contains(handle))
    }
}

/// All tables that live as long as the process.
pub static ALL: [&dyn Whole; 12] = [
    &WORDS,
    &TOKENS,
    &SHARED,
    &LARGE,
    &BATCHED,
    &BOUNDED,
    &MUTABLE,
    &ANYS,
    &ANYS_BATCHED,
    &GLOBAL,
    &ONCE,
    &DRAINED,
];

pub fn of(kind: Kind) -> Option<&'static dyn Whole> {
    ALL.iter().copied().find(|table| table.kind() == kind)
}

/// Handles that were deleted, for ever: of each table some of the first and some of the last.
static DEAD: [Mutex<Vec<usize>>; KINDS.len()] = [const { Mutex::new(Vec::new()) }; KINDS.len()];
const FIRST: usize = 512;

/// Keeps a dead handle for all threads to come.
pub fn keep_dead(kind: Kind, raw: usize, rng: &mut Rng) {
    let mut dead = DEAD[kind as usize].lock().unwrap_or_else(PoisonError::into_inner);
    if dead.len() < 2 * FIRST {
        dead.push(raw);
    } else {
        dead[FIRST + rng.below(FIRST)] = raw;
    }
}

/// One of the handles that were deleted, perhaps long ago.
pub fn one_dead(kind: Kind, rng: &mut Rng) -> Option<usize> {
    let dead = DEAD[kind as usize].lock().unwrap_or_else(PoisonError::into_inner);
    (!dead.is_empty()).then(|| dead[rng.below(dead.len())])
}
