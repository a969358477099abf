//! The way from an index to its slot: the directory of a table's segments.

use std::{
    marker::PhantomData,
    ptr::{self, NonNull},
    slice,
};

use super::{
    atomic_state::AtomicState,
    index::Index,
    slot::{Slot, SlotLayout},
};
use crate::{
    config::INDEX_BITS,
    sync::{const_unless_loom, AtomicPtr, AtomicUsize, Ordering},
};

/// Where one segment of a table lies.
#[derive(Debug)]
pub(super) struct DirectoryEntry {
    /// The address at which index 0 would have its value if the segment reached back to it. So a
    /// value lies at `base + index * SIZE`. [`UNMADE`] until the segment is made.
    pub(super) base: AtomicPtr<()>,
    /// The index after the segment's last slot; 0 until the segment is made. A forged handle may
    /// name a place past the end.
    pub(super) end: AtomicUsize,
}

/// Not the base of any segment: every base has at least the alignment of a state.
pub(super) const UNMADE: *mut () = ptr::without_provenance_mut(1);

/// The one entry of the empty directory.
#[cfg(not(loom))]
static EMPTY: DirectoryEntry = DirectoryEntry::new();
#[cfg(loom)]
loom::lazy_static! {
    static ref EMPTY: DirectoryEntry = DirectoryEntry::new();
}

impl DirectoryEntry {
    const_unless_loom! {
        pub(super) const fn new() -> Self {
            Self { base: AtomicPtr::new(UNMADE), end: AtomicUsize::new(0) }
        }
    }

    /// The base of a segment known to exist.
    #[inline]
    fn known_base(&self) -> *mut () {
        // edge: grow. Relaxed: the slot reached us from a thread that had seen the segment, and the
        // edge that handed it over orders the segment too.
        let base = self.base.load(Ordering::Relaxed);
        debug_assert!(base != UNMADE);
        base
    }
}

/// The base of a segment of `T` whose first slot is at `first` and has this index.
pub(super) fn base<T>(first: NonNull<AtomicState>, index: Index) -> *mut () {
    let value = first.as_ptr().wrapping_byte_add(SlotLayout::<T>::VALUE_OFFSET);
    value.wrapping_byte_sub(distance::<T>(index)).cast()
}

#[inline]
fn distance<T>(index: Index) -> usize {
    index.bits().wrapping_mul(SlotLayout::<T>::SIZE)
}

/// A directory as plain data, to be kept in atomics.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DirectoryParts {
    pub(crate) entries: *const (),
    pub(crate) place_bits: u32,
}

impl DirectoryParts {
    const_unless_loom! {
        /// The directory of a table without slots: one entry for all indices, whose segment is not
        /// made.
        pub(crate) const fn empty() -> Self {
            let entry: &'static DirectoryEntry = &EMPTY;
            Self { entries: std::ptr::from_ref(entry).cast(), place_bits: INDEX_BITS }
        }
    }

    #[inline(always)]
    fn len(self) -> usize {
        1 << (INDEX_BITS - self.place_bits)
    }

    /// Whether there are that many entries: the empty directory has one.
    #[cfg(loom)]
    pub(crate) fn is_consistent(self) -> bool {
        self.len() == 1 || self.entries != Self::empty().entries
    }
}

/// What a look-up reads beside the slot. It is small and rarely written.
pub(crate) struct Directory<'s, T> {
    entries: &'s [DirectoryEntry],
    /// How many low bits of an index follow the number of its entry.
    place_bits: u32,
    _values: PhantomData<&'s T>,
}

impl<'s, T> Directory<'s, T> {
    /// # Safety
    ///
    /// The entries are those of a table of `T`, and by `place_bits` there is one for each index.
    #[inline]
    pub(super) unsafe fn new(entries: &'s [DirectoryEntry], place_bits: u32) -> Self {
        Self { entries, place_bits, _values: PhantomData }
    }

    /// What this directory is made of.
    pub(crate) fn parts(&self) -> DirectoryParts {
        DirectoryParts { entries: self.entries.as_ptr().cast(), place_bits: self.place_bits }
    }

    /// # Safety
    ///
    /// The parts are those of a directory of a table of `T` that lives for `'s`, or of the empty
    /// one; or they mix the first entry of the one with the bits of the other.
    #[inline(always)]
    pub(crate) unsafe fn from_parts(parts: DirectoryParts) -> Self {
        // SAFETY: the caller's duty: by the bits, there are that many entries.
        unsafe {
            let entries = slice::from_raw_parts(parts.entries.cast(), parts.len());
            Self::new(entries, parts.place_bits)
        }
    }

    #[inline]
    pub(super) fn entry(&self, index: Index) -> &'s DirectoryEntry {
        let entry = index.entry(self.place_bits);
        // SAFETY: the promise of `new`.
        unsafe { self.entries.get_unchecked(entry) }
    }

    /// The slot with this index, if its segment was made and has such a place. Any index is safe to
    /// ask for.
    #[inline]
    pub(crate) fn get(&self, index: Index) -> Option<Slot<'s, T>> {
        let entry = self.entry(index);
        // edge: grow. Acquire: a thread that sees the end sees the segment, with its slots made.
        let end = entry.end.load(Ordering::Acquire);
        // edge: grow. Relaxed: stored before the end.
        let base = entry.base.load(Ordering::Relaxed);
        // SAFETY: the index belongs to this segment, which has slots up to `end`. This thread has
        // seen the end, and so sees the base, which was stored before.
        (index.bits() < end).then(|| unsafe { slot_at(base, index) })
    }

    /// The slot with this index, which the caller knows to exist.
    ///
    /// # Safety
    ///
    /// The slot's segment was made, with that slot in it, and that happens before this call. So it
    /// is if the slot was used before and reached the caller by edges from that use.
    #[inline]
    pub(crate) unsafe fn known(&self, index: Index) -> Slot<'s, T> {
        // SAFETY: the caller's duty.
        unsafe { slot_at(self.entry(index).known_base(), index) }
    }

    /// For many slots, one after the other.
    pub(crate) fn cursor(self) -> Cursor<'s, T> {
        Cursor { directory: self, entry: usize::MAX, base: UNMADE }
    }
}

/// # Safety
///
/// `base` is the base of the segment of `T` that `index` belongs to. The segment has a slot with
/// that index, and lives for `'s`.
#[inline]
unsafe fn slot_at<'s, T>(base: *mut (), index: Index) -> Slot<'s, T> {
    let value = base.wrapping_byte_add(distance::<T>(index));
    // SAFETY: the caller's duty.
    unsafe { Slot::new(NonNull::new_unchecked(value)) }
}

/// Finds slots one after the other. Most lie in the same segment as the one before, so a walk along
/// a list rarely reads the directory.
pub(crate) struct Cursor<'s, T> {
    directory: Directory<'s, T>,
    /// The directory entry of the last slot, and the base of its segment.
    entry: usize,
    base: *mut (),
}

impl<'s, T> Cursor<'s, T> {
    /// The slot with this index, which the caller knows to exist.
    ///
    /// # Safety
    ///
    /// The slot's segment was made, with that slot in it, and that happens before this call. So it
    /// is if the slot was used before and reached the caller by edges from that use.
    #[inline]
    pub(crate) unsafe fn known(&mut self, index: Index) -> Slot<'s, T> {
        let entry = index.entry(self.directory.place_bits);
        if entry != self.entry {
            self.entry = entry;
            self.base = self.directory.entry(index).known_base();
        }
        // SAFETY: the caller's duty.
        unsafe { slot_at(self.base, index) }
    }
}
