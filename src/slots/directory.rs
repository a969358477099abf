//! The way from an index to its slot: through the directory, whose entries are the segments of all
//! shards.

use std::{
    marker::PhantomData,
    ptr::{self, NonNull},
};

use super::{
    atomic_state::AtomicState,
    index::Index,
    slot::{Slot, SlotLayout},
};
use crate::sync::{const_unless_loom, AtomicPtr, AtomicUsize, Ordering};

/// An entry of the directory.
#[derive(Debug)]
pub(crate) struct DirectoryEntry {
    /// Where the room of index 0 would lie if the segment had slots from there on: so a room's
    /// address is one step from here. [`UNMADE`] until the segment is made.
    pub(crate) base: AtomicPtr<()>,
    /// The index after its last slot's; 0 until it is made. A place that a forged handle names may be
    /// past that.
    pub(crate) end: AtomicUsize,
}

/// Not the base of any segment: rooms are aligned as slots are, at least.
pub(crate) const UNMADE: *mut () = ptr::without_provenance_mut(1);

impl DirectoryEntry {
    const_unless_loom! {
        pub(crate) const fn new() -> Self {
            Self {
                base: AtomicPtr::new(UNMADE),
                end: AtomicUsize::new(0),
            }
        }
    }

    /// Its base, to who knows that it was made.
    #[inline]
    fn known(&self) -> *mut () {
        // edge: grow. Whoever used a slot of it saw the segment, and so does who has the slot from there.
        let base = self.base.load(Ordering::Relaxed);
        debug_assert!(base != UNMADE);
        base
    }
}

/// The base of a segment of `T` whose first slot is this, with this index.
pub(crate) fn base<T>(first: NonNull<AtomicState>, index: Index) -> *mut () {
    let slot = first
        .as_ptr()
        .wrapping_byte_add(SlotLayout::<T>::VALUE_OFFSET);
    slot.wrapping_byte_sub(distance::<T>(index)).cast()
}

#[inline]
fn distance<T>(index: Index) -> usize {
    index.bits().wrapping_mul(SlotLayout::<T>::SIZE)
}

/// What a look-up needs of a table's segments: little, and never written.
pub(crate) struct Directory<'s, T> {
    pub(crate) entries: &'s [DirectoryEntry],
    /// The bits of an index below the number of its entry.
    pub(crate) place_bits: u32,
    _values: PhantomData<&'s T>,
}

impl<'s, T> Directory<'s, T> {
    /// # Safety
    ///
    /// The entries are those of a table of `T`, or empty, and there is one for each index, by these
    /// `place_bits`.
    #[inline]
    pub(crate) unsafe fn new(entries: &'s [DirectoryEntry], place_bits: u32) -> Self {
        Self {
            entries,
            place_bits,
            _values: PhantomData,
        }
    }

    #[inline]
    pub(crate) fn segment(&self, index: Index) -> &'s DirectoryEntry {
        let entry = index.entry(self.place_bits);
        // SAFETY: the promise of `new`.
        unsafe { self.entries.get_unchecked(entry) }
    }

    /// The slot, if its segment was ever made and has one at that place; any bits may be asked for.
    #[inline]
    pub(crate) fn get(&self, index: Index) -> Option<Slot<'s, T>> {
        let segment = self.segment(index);
        // edge: grow. Whoever sees the end sees the segment, and its slots made.
        let end = segment.end.load(Ordering::Acquire);
        // edge: grow. The end was stored after this.
        let base = segment.base.load(Ordering::Relaxed);
        // SAFETY: with an end there are slots, up to that, and the index is of this segment.
        (index.bits() < end).then(|| unsafe { slot_at(base, index) })
    }

    /// The slot, of which the caller knows that it is there.
    ///
    /// # Safety
    ///
    /// The slot was in use before, and came to the caller by edges from that use.
    #[inline]
    pub(crate) unsafe fn known(&self, index: Index) -> Slot<'s, T> {
        // SAFETY: the caller's duty: who used the slot found its segment made.
        unsafe { slot_at(self.segment(index).known(), index) }
    }

    pub(crate) fn cursor(self) -> Cursor<'s, T> {
        Cursor {
            directory: self,
            entry: usize::MAX,
            base: UNMADE,
        }
    }
}

/// # Safety
///
/// `base` is that of the segment of `T` that `index` is in, that has a slot there and lives for `'s`.
#[inline]
unsafe fn slot_at<'s, T>(base: *mut (), index: Index) -> Slot<'s, T> {
    let place = base.wrapping_byte_add(distance::<T>(index));
    // SAFETY: the caller's duty.
    unsafe { Slot::new(NonNull::new_unchecked(place)) }
}

/// Finds slots one after the other. Most lie in the same segment as the last one, so that along a
/// list of slots the way from one to the next does not lead through the directory.
pub(crate) struct Cursor<'s, T> {
    directory: Directory<'s, T>,
    /// The directory's entry that was found last, and the base of its segment.
    entry: usize,
    base: *mut (),
}

impl<'s, T> Cursor<'s, T> {
    /// See [`Directory::known`].
    ///
    /// # Safety
    ///
    /// As there.
    #[inline]
    pub(crate) unsafe fn known(&mut self, index: Index) -> Slot<'s, T> {
        let entry = index.entry(self.directory.place_bits);
        if entry != self.entry {
            self.entry = entry;
            self.base = self.directory.segment(index).known();
        }
        // SAFETY: as in `Directory::known`.
        unsafe { slot_at(self.base, index) }
    }
}
