//! What a look-up reads first. It lies in the table itself, and not behind the pointer to the core,
//! so that a look-up goes from the table to the directory, and finds one there even in a table
//! that was never used: with one entry, and no segment in it.

use std::slice;

use crate::{
    directory::{Directory, Segment},
    lookup::Lookup,
    sync::{const_unless_loom, AtomicPtr, AtomicUsize, Ordering},
};

/// The parts of a [`Lookup`], to be set once, from the table's core; until then those of the empty
/// directory.
#[derive(Debug)]
pub(crate) struct Front {
    entries: AtomicPtr<Segment>,
    entry_mask: AtomicUsize,
    entry_bits: AtomicUsize,
    key: AtomicUsize,
    /// loom's atomics can't stand in a static.
    #[cfg(loom)]
    empty: Box<Segment>,
}

#[cfg(not(loom))]
static EMPTY: Segment = Segment::new();

impl Front {
    const_unless_loom! {
        pub(crate) const fn new() -> Self {
            #[cfg(loom)]
            let empty = Box::new(Segment::new());
            #[cfg(loom)]
            let entries = &*empty;
            #[cfg(not(loom))]
            let entries = &EMPTY;
            Self {
                entries: AtomicPtr::new(std::ptr::from_ref(entries).cast_mut()),
                entry_mask: AtomicUsize::new(0),
                entry_bits: AtomicUsize::new(0),
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
            entry_mask,
            entry_bits,
            ..
        } = lookup.directory;
        let first = entries.as_ptr().cast_mut();
        // edge: grow. The entries are stored after this.
        self.key.store(lookup.key, Ordering::Relaxed);
        // edge: grow. As above.
        self.entry_bits
            .store(entry_bits as usize, Ordering::Relaxed);
        // edge: grow. The entries, made, before the pointer to them; and the key that belongs to them.
        self.entries.store(first, Ordering::Release);
        // edge: grow. The entries before the mask for so many.
        self.entry_mask.store(entry_mask, Ordering::Release);
    }

    /// What a look-up needs.
    ///
    /// # Safety
    ///
    /// If this was set, then from a core of a table of `T` that lives as long as this.
    #[inline(always)]
    pub(crate) unsafe fn lookup<T>(&self) -> Lookup<'_, T> {
        // edge: grow. Who sees the mask sees as many entries.
        let entry_mask = self.entry_mask.load(Ordering::Acquire);
        // edge: grow. Who sees the entries sees them made, and the key.
        let entries = self.entries.load(Ordering::Acquire);
        // edge: grow. Stored before the entries.
        let entry_bits = self.entry_bits.load(Ordering::Relaxed) as u32;
        // edge: grow. As above.
        let key = self.key.load(Ordering::Relaxed);

        #[cfg(loom)]
        assert!(entry_mask == 0 || !std::ptr::eq(entries, &*self.empty));
        // SAFETY: for the mask 0 the empty directory's entry will do, which lives as long as this, or
        // the core's first. If the mask is another, then it is the number of the core's last entry,
        // and these are the core's.
        let directory = unsafe {
            let entries = slice::from_raw_parts(entries, entry_mask + 1);
            Directory::new(entries, entry_mask, entry_bits)
        };
        Lookup { key, directory }
    }
}
