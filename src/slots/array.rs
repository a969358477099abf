//! The slots of a table: arrays that double in size, each of one shard, made when they are first needed, and never
//! moved or freed before the table is.

use std::{
    alloc::{alloc_zeroed, dealloc, handle_alloc_error, Layout},
    marker::PhantomData,
    ops::Range,
    ptr::{self, NonNull},
};

use super::{
    atomic_state::AtomicState,
    directory::{self, Cursor, Directory, DirectoryEntry, UNMADE},
    index::{Index, IndexLayout},
    slot::{Slot, SlotLayout},
};
use crate::sync::{AtomicPtr, Ordering};

/// All slots of a table: a directory of segments, at most 32 for each shard.
#[derive(Debug)]
pub(crate) struct SlotArray<T> {
    directory: Box<[DirectoryEntry]>,
    /// The memory of each segment, null until it is made: the directory's bases point to where it is
    /// not, which no leak checker would understand.
    firsts: Box<[AtomicPtr<AtomicState>]>,
    layout: IndexLayout,
    _values: PhantomData<T>,
}

impl<T> SlotArray<T> {
    /// For a table with that many shards, a power of two.
    pub(crate) fn new(shards: usize) -> Self {
        let layout = IndexLayout::new(shards);
        Self {
            directory: (0..layout.entries())
                .map(|_| DirectoryEntry::new())
                .collect(),
            firsts: (0..layout.entries())
                .map(|_| AtomicPtr::new(ptr::null_mut()))
                .collect(),
            layout,
            _values: PhantomData,
        }
    }

    #[inline]
    pub(crate) fn layout(&self) -> IndexLayout {
        self.layout
    }

    #[inline]
    pub(crate) fn directory(&self) -> Directory<'_, T> {
        // SAFETY: `Self::new` made that many, and this is a table of `T`.
        unsafe { Directory::new(&self.directory, self.layout.place_bits()) }
    }

    /// See [`Directory::get`].
    #[inline]
    pub(crate) fn get(&self, index: Index) -> Option<Slot<'_, T>> {
        self.directory().get(index)
    }

    /// See [`Directory::known`].
    ///
    /// # Safety
    ///
    /// As there.
    #[inline]
    pub(crate) unsafe fn known(&self, index: Index) -> Slot<'_, T> {
        // SAFETY: the caller's duty.
        unsafe { self.directory().known(index) }
    }

    /// For many slots, one after the other.
    pub(crate) fn cursor(&self) -> Cursor<'_, T> {
        self.directory().cursor()
    }

    /// The slot, in a segment that is made now if need be. The index is not made up.
    #[inline]
    pub(crate) fn get_or_grow(&self, index: Index) -> Slot<'_, T> {
        match self.get(index) {
            Some(slot) => slot,
            None => self.grow(index),
        }
    }

    #[cold]
    fn grow(&self, index: Index) -> Slot<'_, T> {
        let entry = index.entry(self.layout.place_bits());
        let (first, len) = (self.layout.first(entry), self.layout.segment_len(entry));
        let end = first.bits() + len;
        assert!(index.bits() < end, "an index that was made up has no slot");
        let segment = self.directory().segment(index);
        let made = allocate::<T>(len);
        // edge: grow. Release: slots before the pointer to them; Acquire: the winner's slots.
        let winner = segment.base.compare_exchange(
            UNMADE,
            directory::base::<T>(made, first),
            Ordering::Release,
            Ordering::Acquire,
        );
        match winner {
            // edge: none. Read when the table is dropped.
            Ok(_) => self.firsts[entry].store(made.as_ptr(), Ordering::Relaxed),
            // SAFETY: made above, with this length, and shown to no one.
            Err(_) => unsafe { deallocate::<T>(made, len) },
        }
        // edge: grow. The loser says it too: what it publishes there must be found.
        segment.end.store(end, Ordering::Release);
        // SAFETY: the segment was made, with that slot in it, and this thread has seen that.
        unsafe { self.known(index) }
    }

    /// The slots of a shard with these numbers whose segment was made, each with its number.
    pub(crate) fn iter(
        &self,
        shard: usize,
        numbers: Range<usize>,
    ) -> impl Iterator<Item = (usize, Slot<'_, T>)> {
        numbers.filter_map(move |number| {
            let index = self.layout.index(number, shard);
            self.get(index).map(|slot| (number, slot))
        })
    }

    /// The bytes of the directory and all segments.
    pub(crate) fn bytes(&self) -> usize {
        let len = |(entry, segment): (usize, &DirectoryEntry)| {
            // edge: grow. Relaxed: nothing behind it is read.
            let end = segment.end.load(Ordering::Relaxed);
            end.saturating_sub(self.layout.first(entry).bits())
        };
        let slots: usize = self.directory.iter().enumerate().map(len).sum();
        size_of_val(&*self.directory) + size_of_val(&*self.firsts) + slots * SlotLayout::<T>::SIZE
    }
}

impl<T> Drop for SlotArray<T> {
    fn drop(&mut self) {
        for (entry, first) in self.firsts.iter().enumerate() {
            // edge: none. `&mut self`: there is no one else.
            if let Some(first) = NonNull::new(first.load(Ordering::Relaxed)) {
                // SAFETY: `grow` made it with this length; nothing borrows it any more.
                unsafe { deallocate::<T>(first, self.layout.segment_len(entry)) };
            }
        }
    }
}

fn layout<T>(len: usize) -> Layout {
    let bytes = len.checked_mul(SlotLayout::<T>::SIZE);
    match bytes.map(|bytes| Layout::from_size_align(bytes, SlotLayout::<T>::ALIGN)) {
        Some(Ok(layout)) => layout,
        _ => panic!("handle-table: a segment of {len} slots is larger than the address space"),
    }
}

/// `len` vacant slots of generation 0, with their rooms. Large arrays come as untouched zero pages, so
/// that memory grows with use and not with the length of the last segment.
fn allocate<T>(len: usize) -> NonNull<AtomicState> {
    let layout = layout::<T>(len);
    // SAFETY: `len` is not zero, and a slot is a word, so the layout has a size.
    let Some(first) = NonNull::new(unsafe { alloc_zeroed(layout) }) else {
        handle_alloc_error(layout);
    };
    let first = first.cast();
    // Outside loom a slot is a std atomic, with the layout of `usize`, so zeroes are a vacant one.
    #[cfg(loom)]
    for place in 0..len {
        // SAFETY: the segment has that many slots.
        unsafe { SlotLayout::<T>::make(first.byte_add(place * SlotLayout::<T>::SIZE)) };
    }
    first
}

/// # Safety
///
/// `first` came from [`allocate`] with `len`, and is not used any more.
unsafe fn deallocate<T>(first: NonNull<AtomicState>, len: usize) {
    #[cfg(loom)]
    for place in 0..len {
        // SAFETY: the segment has that many slots, and they are not used any more.
        unsafe { SlotLayout::<T>::unmake(first.byte_add(place * SlotLayout::<T>::SIZE)) };
    }
    // SAFETY: the caller's duty; the layout is the one `allocate` used.
    unsafe { dealloc(first.cast().as_ptr(), layout::<T>(len)) };
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_place_past_the_end_of_a_segment_is_no_slot() {
        let segments = SlotArray::<u8>::new(2);
        let layout = segments.layout();
        let first = layout.index(0, 1);
        assert!(segments.get(first).is_none(), "not made yet");
        segments.get_or_grow(first);
        assert!(segments.get(first).is_some());
        let len = layout.segment_len(first.entry(layout.place_bits()));
        for place in [len, (1 << layout.place_bits()) - 1] {
            let beyond = Index::from_bits(first.bits() + place);
            assert!(segments.get(beyond).is_none(), "{place}");
        }
    }

    #[test]
    fn each_slot_has_memory_of_its_own() {
        let segments = SlotArray::<u8>::new(2);
        let mut seen = std::collections::HashSet::new();
        for shard in 0..2 {
            for number in 0..100 {
                let slot = segments
                    .get_or_grow(segments.layout().index(number, shard))
                    .state();
                assert!(seen.insert(std::ptr::from_ref(slot)));
            }
        }
    }
}
