//! What a look-up reads first. It lies in the table itself, and not behind the pointer to the core,
//! so that a look-up goes from the table to the directory, and finds one there even in a table
//! that was never used: with one entry, and no segment in it.

use std::slice;

use super::lookup::Lookup;
use crate::{
    config::INDEX_BITS,
    slots::{Directory, DirectoryEntry},
    sync::{const_unless_loom, AtomicPtr, AtomicUsize, Ordering},
};

/// The parts of a [`Lookup`], to be set once, from the table's core; until then those of the empty
/// directory.
#[derive(Debug)]
pub(crate) struct AtomicLookup {
    entries: AtomicPtr<DirectoryEntry>,
    place_bits: AtomicUsize,
    key: AtomicUsize,
    /// loom's atomics can't stand in a static.
    #[cfg(loom)]
    empty: Box<DirectoryEntry>,
}

/// The bits of a place where all indices are of one entry: those of the empty directory.
const ONE_ENTRY: usize = INDEX_BITS as usize;

#[cfg(not(loom))]
static EMPTY: DirectoryEntry = DirectoryEntry::new();

impl AtomicLookup {
    const_unless_loom! {
        pub(crate) const fn new() -> Self {
            #[cfg(loom)]
            let empty = Box::new(DirectoryEntry::new());
            #[cfg(loom)]
            let entries = &*empty;
            #[cfg(not(loom))]
            let entries = &EMPTY;
            Self {
                entries: AtomicPtr::new(std::ptr::from_ref(entries).cast_mut()),
                place_bits: AtomicUsize::new(ONE_ENTRY),
                key: AtomicUsize::new(0),
                #[cfg(loom)]
                empty,
            }
        }
    }

    /// From the core that `OnceCore::make` made or found made. Several may come with it: all set
    /// the same.
    pub(crate) fn set<T>(&self, lookup: &Lookup<'_, T>) {
        let Directory {
            entries,
            place_bits,
            ..
        } = lookup.directory;
        let (first, bits) = (entries.as_ptr().cast_mut(), place_bits as usize);
        // edge: grow. The entries are stored after this.
        self.key.store(lookup.key, Ordering::Relaxed);
        // edge: grow. The entries, made, before the pointer to them; and the key that belongs to them.
        self.entries.store(first, Ordering::Release);
        // edge: grow. The entries before the bits that say how many there are.
        self.place_bits.store(bits, Ordering::Release);
    }

    /// What a look-up needs.
    ///
    /// # Safety
    ///
    /// If this was set, then from a core of a table of `T` that lives as long as this.
    #[inline(always)]
    pub(crate) unsafe fn lookup<T>(&self) -> Lookup<'_, T> {
        // edge: grow. Who sees the bits sees as many entries.
        let place_bits = self.place_bits.load(Ordering::Acquire);
        // edge: grow. Who sees the entries sees them made, and the key.
        let entries = self.entries.load(Ordering::Acquire);
        // edge: grow. Stored before the entries.
        let key = self.key.load(Ordering::Relaxed);

        #[cfg(loom)]
        assert!(place_bits == ONE_ENTRY || !std::ptr::eq(entries, &*self.empty));
        // SAFETY: for one entry the empty directory's will do, which lives as long as this, or the
        // core's first. If the bits are others, then these are the core's entries, and as many.
        let directory = unsafe {
            let entries = slice::from_raw_parts(entries, 1 << (INDEX_BITS as usize - place_bits));
            Directory::new(entries, place_bits as u32)
        };
        Lookup { key, directory }
    }
}
