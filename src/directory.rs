//! The way from an index to its slot: through the directory, whose entries are the segments of all
//! shards.

use std::{
    marker::PhantomData,
    ptr::{self, NonNull},
};

use crate::{
    index::Index,
    room::{Room, Stride},
    slot::Slot,
    sync::{const_unless_loom, AtomicPtr, AtomicUsize, Ordering},
};

/// An entry of the directory. Both zero until the segment is made.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) first: AtomicPtr<Slot>,
    /// How many slots it has: a place that a forged handle names may be past that.
    pub(crate) len: AtomicUsize,
}

impl Segment {
    const_unless_loom! {
        pub(crate) const fn new() -> Self {
            Self {
                first: AtomicPtr::new(ptr::null_mut()),
                len: AtomicUsize::new(0),
            }
        }
    }

    /// Its slots: none until it is made.
    #[inline]
    fn slots(&self) -> Slots {
        // edge: grow. Whoever sees the length sees the segment, and its slots made.
        let len = self.len.load(Ordering::Acquire);
        // edge: grow. The length was stored after this.
        let first = self.first.load(Ordering::Relaxed);
        Slots { first, len }
    }

    /// Its first slot, to who knows that it was made.
    #[inline]
    fn known(&self) -> *mut Slot {
        // edge: grow. Whoever used a slot of it saw the segment, and so does who has the slot from there.
        let first = self.first.load(Ordering::Relaxed);
        debug_assert!(!first.is_null());
        first
    }
}

/// A segment's first slot, and how many it has.
#[derive(Clone, Copy)]
struct Slots {
    first: *mut Slot,
    len: usize,
}

impl Slots {
    /// The slot at that place, if there is one.
    ///
    /// # Safety
    ///
    /// These are slots of a table of `T`.
    #[inline]
    unsafe fn get<T>(self, place: usize) -> Option<NonNull<Slot>> {
        // SAFETY: with a length there are slots, that many, and `place` is less.
        (place < self.len).then(|| unsafe { nth::<T>(NonNull::new_unchecked(self.first), place) })
    }
}

/// What a look-up needs of a table's segments: little, and never written.
pub(crate) struct Directory<'s, T> {
    pub(crate) entries: &'s [Segment],
    /// The number of the last entry, which masks the entry in an index; and the bits of an index
    /// below the place.
    pub(crate) entry_mask: usize,
    pub(crate) entry_bits: u32,
    _values: PhantomData<&'s T>,
}

impl<'s, T> Directory<'s, T> {
    /// # Safety
    ///
    /// The entries are those of a table of `T`, or empty, and `entry_mask + 1` in number.
    #[inline]
    pub(crate) unsafe fn new(entries: &'s [Segment], entry_mask: usize, entry_bits: u32) -> Self {
        Self {
            entries,
            entry_mask,
            entry_bits,
            _values: PhantomData,
        }
    }

    #[inline]
    pub(crate) fn segment(&self, index: Index) -> &'s Segment {
        let entry = index.entry(self.entry_mask);
        // SAFETY: the promise of `new`: an entry's number is not above the last one's.
        unsafe { self.entries.get_unchecked(entry) }
    }

    /// Where the slot is, if its segment was ever made and has one at that place.
    #[inline]
    pub(crate) fn find(&self, index: Index) -> Option<NonNull<Slot>> {
        let place = index.place(self.entry_bits);
        // SAFETY: the promise of `new`.
        unsafe { self.segment(index).slots().get::<T>(place) }
    }

    /// The slot, if its segment was ever made; any bits may be asked for.
    #[inline]
    pub(crate) fn get(&self, index: Index) -> Option<Room<'s, T>> {
        // SAFETY: `find` found it in a segment, and segments live for `'s`.
        self.find(index).map(|slot| unsafe { Room::new(slot) })
    }

    /// The slot, of which the caller knows that it is there.
    ///
    /// # Safety
    ///
    /// The slot was in use before, and came to the caller by edges from that use.
    #[inline]
    pub(crate) unsafe fn known(&self, index: Index) -> Room<'s, T> {
        // SAFETY: the caller's duty.
        unsafe { self.room_in(self.segment(index).known(), index) }
    }

    /// # Safety
    ///
    /// The slots from `first` on are those of the segment of `index`, and the slot is among them.
    #[inline]
    unsafe fn room_in(&self, first: *mut Slot, index: Index) -> Room<'s, T> {
        let place = index.place(self.entry_bits);
        // SAFETY: the caller's duty; and segments live for `'s`.
        unsafe { Room::new(nth::<T>(NonNull::new_unchecked(first), place)) }
    }

    pub(crate) fn finder(self) -> Finder<'s, T> {
        Finder {
            directory: self,
            entry: usize::MAX,
            first: ptr::null_mut(),
        }
    }
}

/// Finds slots one after the other. Most lie in the same segment as the last one, so that along a
/// list of slots the way from one to the next does not lead through the directory.
pub(crate) struct Finder<'s, T> {
    directory: Directory<'s, T>,
    /// The directory's entry that was found last, and the first slot of its segment.
    entry: usize,
    first: *mut Slot,
}

impl<'s, T> Finder<'s, T> {
    /// See [`Directory::known`].
    ///
    /// # Safety
    ///
    /// As there.
    #[inline]
    pub(crate) unsafe fn known(&mut self, index: Index) -> Room<'s, T> {
        let entry = index.entry(self.directory.entry_mask);
        if entry != self.entry {
            self.entry = entry;
            self.first = self.directory.segment(index).known();
        }
        // SAFETY: the caller's duty: the segment was made, with that slot in it.
        unsafe { self.directory.room_in(self.first, index) }
    }
}

/// The slot that many places after `first`.
///
/// # Safety
///
/// `first` is the first slot of a segment that has more than `place` slots.
#[inline]
pub(crate) unsafe fn nth<T>(first: NonNull<Slot>, place: usize) -> NonNull<Slot> {
    // SAFETY: the caller's duty: this stays inside the segment.
    unsafe { first.byte_add(place * Stride::<T>::BYTES) }
}
