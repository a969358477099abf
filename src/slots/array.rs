//! The slots of a table: segments that double in size, each of one shard, made when they are first
//! needed, and neither moved nor freed before the table is.

use std::{
    alloc::{alloc_zeroed, dealloc, Layout},
    marker::PhantomData,
    ops::Range,
    ptr::{self, NonNull},
};

use super::{
    atomic_state::AtomicState,
    directory::{self, Directory, DirectoryEntry, UNMADE},
    index::{Index, IndexLayout},
    slot::{Slot, SlotLayout},
};
use crate::sync::{AtomicPtr, Ordering};

/// All slots of a table: a directory of segments, at most 32 for each shard.
#[derive(Debug)]
pub(crate) struct SlotArray<T> {
    entries: Box<[DirectoryEntry]>,
    /// The memory of each segment, null until it is made. Kept only for leak checkers: the
    /// directory stores biased pointers, outside of the allocation.
    firsts: Box<[AtomicPtr<AtomicState>]>,
    layout: IndexLayout,
    _values: PhantomData<T>,
}

impl<T> SlotArray<T> {
    /// The slots of a table with that many shards, a power of two.
    pub(crate) fn new(shards: usize) -> Self {
        let layout = IndexLayout::new(shards);
        let entries = 0..layout.entries();
        Self {
            entries: entries.clone().map(|_| DirectoryEntry::new()).collect(),
            firsts: entries.map(|_| AtomicPtr::new(ptr::null_mut())).collect(),
            layout,
            _values: PhantomData,
        }
    }

    #[inline]
    pub(crate) fn layout(&self) -> IndexLayout {
        self.layout
    }

    /// The view for look-ups.
    #[inline]
    pub(crate) fn directory(&self) -> Directory<'_, T> {
        // SAFETY: `Self::new` made one entry for each index, and this is a table of `T`.
        unsafe { Directory::new(&self.entries, self.layout.place_bits()) }
    }

    /// The slot with this index, in a segment that is made now if need be; `None` if there is no
    /// memory for that. The index must be one that [`IndexLayout::index`] gave.
    #[inline]
    pub(crate) fn try_get_or_grow(&self, index: Index) -> Option<Slot<'_, T>> {
        self.directory().get(index).or_else(|| self.grow(index))
    }

    /// The same, where there is memory.
    #[cfg(test)]
    pub(crate) fn get_or_grow(&self, index: Index) -> Slot<'_, T> {
        self.try_get_or_grow(index).expect("there is memory")
    }

    #[cold]
    fn grow(&self, index: Index) -> Option<Slot<'_, T>> {
        let number = index.entry(self.layout.place_bits());
        let (first, len) = (self.layout.first(number), self.layout.segment_len(number));
        assert!(index.bits() < first.bits() + len, "a forged index has no slot");
        let entry = self.directory().entry(index);
        let Some(made) = allocate::<T>(len) else {
            return self.made_by_others(index);
        };
        // edge: grow. Release: the slots before the pointer to them. Acquire: the winner's slots.
        let winner = entry.base.compare_exchange(
            UNMADE,
            directory::base::<T>(made, first),
            Ordering::Release,
            Ordering::Acquire,
        );
        match winner {
            // edge: none. Loaded when the table is dropped.
            Ok(_) => self.firsts[number].store(made.as_ptr(), Ordering::Relaxed),
            // SAFETY: allocated above with this length, and shown to no other thread.
            Err(_) => unsafe { deallocate::<T>(made, len) },
        }
        // SAFETY: the segment was made, with that slot in it, and this thread has seen that.
        Some(unsafe { self.show(index) })
    }

    /// Shows the segment of this index to look-ups. Returns the slot.
    ///
    /// # Safety
    ///
    /// The segment was made, with that slot in it, and this thread has seen that.
    unsafe fn show(&self, index: Index) -> Slot<'_, T> {
        let number = index.entry(self.layout.place_bits());
        let end = self.layout.first(number).bits() + self.layout.segment_len(number);
        // edge: grow. Release. The loser stores it too: what it publishes in the segment must be
        // found.
        self.directory().entry(index).end.store(end, Ordering::Release);
        // SAFETY: the caller's duty.
        unsafe { self.directory().known(index) }
    }

    /// The slot with this index, for a thread that had no memory for its segment: another thread
    /// may have made it meanwhile, before the allocator refused.
    pub(super) fn made_by_others(&self, index: Index) -> Option<Slot<'_, T>> {
        // edge: grow. Acquire: the winner's slots.
        if self.directory().entry(index).base.load(Ordering::Acquire) == UNMADE {
            return None;
        }
        // SAFETY: the segment was made, and this thread has seen that. `grow` has checked that the
        // slot is in it.
        Some(unsafe { self.show(index) })
    }

    /// The slots of a shard with these numbers whose segment was made, each with its number.
    pub(crate) fn iter(
        &self,
        shard: usize,
        numbers: Range<usize>,
    ) -> impl Iterator<Item = (usize, Slot<'_, T>)> {
        numbers.filter_map(move |number| {
            let index = self.layout.index(number, shard);
            self.directory().get(index).map(|slot| (number, slot))
        })
    }

    /// The bytes of the directory and all segments.
    pub(crate) fn bytes(&self) -> usize {
        let len = |(number, entry): (usize, &DirectoryEntry)| {
            // edge: grow. Relaxed: the memory behind it is not read.
            let end = entry.end.load(Ordering::Relaxed);
            end.saturating_sub(self.layout.first(number).bits())
        };
        let slots: usize = self.entries.iter().enumerate().map(len).sum();
        size_of_val(&*self.entries) + size_of_val(&*self.firsts) + slots * SlotLayout::<T>::SIZE
    }
}

impl<T> Drop for SlotArray<T> {
    fn drop(&mut self) {
        for (number, first) in self.firsts.iter().enumerate() {
            // edge: none. `&mut self`: no other thread has the table.
            if let Some(first) = NonNull::new(first.load(Ordering::Relaxed)) {
                // SAFETY: `grow` allocated it with this length; nothing borrows it any more.
                unsafe { deallocate::<T>(first, self.layout.segment_len(number)) };
            }
        }
    }
}

fn memory_layout<T>(len: usize) -> Layout {
    let bytes = len.checked_mul(SlotLayout::<T>::SIZE);
    match bytes.map(|bytes| Layout::from_size_align(bytes, SlotLayout::<T>::ALIGN)) {
        Some(Ok(layout)) => layout,
        _ => panic!("handle-table: a segment of {len} slots is larger than the address space"),
    }
}

/// `len` vacant slots of generation 0. Large segments come as untouched zero pages, so memory grows
/// with use and not with the length of the last segment.
fn allocate<T>(len: usize) -> Option<NonNull<AtomicState>> {
    let layout = memory_layout::<T>(len);
    // SAFETY: `len` is not zero, and a slot has a state, so the layout has a size.
    let first = NonNull::new(unsafe { alloc_zeroed(layout) })?.cast();
    // Outside loom a state is a std atomic, with the layout of `usize`, so zeroes are a vacant
    // slot.
    #[cfg(loom)]
    for place in 0..len {
        // SAFETY: the segment has that many slots.
        unsafe { SlotLayout::<T>::make(first.byte_add(place * SlotLayout::<T>::SIZE)) };
    }
    Some(first)
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
    // SAFETY: the caller's duty; the layout is the one that `allocate` used.
    unsafe { dealloc(first.cast().as_ptr(), memory_layout::<T>(len)) };
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_place_past_the_end_of_its_segment_has_no_slot() {
        let array = SlotArray::<u8>::new(2);
        let layout = array.layout();
        let first = layout.index(0, 1);
        assert!(array.directory().get(first).is_none(), "not made yet");
        array.get_or_grow(first);
        assert!(array.directory().get(first).is_some());
        let len = layout.segment_len(first.entry(layout.place_bits()));
        for place in [len, (1 << layout.place_bits()) - 1] {
            let beyond = Index::from_bits(first.bits() + place);
            assert!(array.directory().get(beyond).is_none(), "{place}");
        }
    }

    #[test]
    fn the_bytes_are_those_of_the_directory_and_of_the_segments_that_are_made() {
        let array = SlotArray::<u8>::new(2);
        let layout = array.layout();
        let directory = size_of::<DirectoryEntry>() + size_of::<AtomicPtr<AtomicState>>();
        let mut expected = layout.entries() * directory;
        assert_eq!(array.bytes(), expected);
        for (number, shard) in [(0, 0), (0, 1), (2, 1)] {
            let index = layout.index(number, shard);
            expected +=
                layout.segment_len(index.entry(layout.place_bits())) * SlotLayout::<u8>::SIZE;
            array.get_or_grow(index);
            assert_eq!(array.bytes(), expected);
        }
    }

    #[test]
    fn each_slot_has_memory_of_its_own() {
        let array = SlotArray::<u8>::new(2);
        let mut seen = std::collections::HashSet::new();
        for shard in 0..2 {
            for number in 0..100 {
                let slot = array.get_or_grow(array.layout().index(number, shard)).state();
                assert!(seen.insert(std::ptr::from_ref(slot)));
            }
        }
    }
}
