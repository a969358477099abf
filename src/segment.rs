//! The slots of a table: arrays that double in size, each of one shard, made when they are first needed, and never
//! moved or freed before the table is.

use std::{
    alloc::{alloc_zeroed, dealloc, handle_alloc_error, Layout},
    marker::PhantomData,
    ops::Range,
    ptr::{self, NonNull},
};

use crate::{
    index::{Index, Shape},
    room::{Room, Stride},
    slot::Slot,
    sync::{AtomicPtr, Ordering},
};

/// All slots of a table: a directory of segments, at most 32 for each shard.
#[derive(Debug)]
pub(crate) struct Segments<T> {
    directory: Box<[Segment]>,
    shape: Shape,
    place_bits: u32,
    _values: PhantomData<T>,
}

/// An entry of the directory.
#[derive(Debug)]
struct Segment {
    /// Null until the segment is made.
    first: AtomicPtr<Slot>,
    /// Its last place, made or not. One less than a power of two: a mask for the place's bits.
    last: usize,
}

/// What a look-up needs of a table's segments: little, and never written.
pub(crate) struct Directory<'s, T> {
    entries: &'s [Segment],
    place_bits: u32,
    _values: PhantomData<&'s T>,
}

impl<'s, T> Directory<'s, T> {
    #[inline]
    fn segment(&self, index: Index) -> &'s Segment {
        let entry = index.entry(self.place_bits);
        // SAFETY: what is above the place's bits of an index is less than the number of entries.
        unsafe { self.entries.get_unchecked(entry) }
    }

    /// The slot, if its segment was ever made. Any bits may be asked for: those that name no slot,
    /// since they are past the end of a segment, find another of its slots, see
    /// [`names_a_slot`](Self::names_a_slot). A live word has its own index in it, so to compare the
    /// slot's with the one that was looked for is to check that, too.
    #[inline]
    pub(crate) fn get(&self, index: Index) -> Option<Room<'s, T>> {
        let segment = self.segment(index);
        // edge: grow. Whoever sees the segment sees its slots made.
        let first = NonNull::new(segment.first.load(Ordering::Acquire))?;
        let place = index.place(segment.last);
        // SAFETY: a segment that is made has slots up to its last place, and lives for `'s`.
        Some(unsafe { Room::new(nth::<T>(first, place)) })
    }

    /// Whether there is a slot of that index, made or not.
    pub(crate) fn names_a_slot(&self, index: Index) -> bool {
        !index.is_past(self.segment(index).last, self.place_bits)
    }
}

impl<T> Segments<T> {
    /// For a table with that many shards, a power of two.
    pub(crate) fn new(shards: usize) -> Self {
        let shape = Shape::new(shards);
        let empty = |entry| Segment {
            first: AtomicPtr::new(ptr::null_mut()),
            last: shape.segment_len(entry) - 1,
        };
        Self {
            directory: (0..shape.entries()).map(empty).collect(),
            shape,
            place_bits: shape.place_bits(),
            _values: PhantomData,
        }
    }

    #[inline]
    pub(crate) fn shape(&self) -> Shape {
        self.shape
    }

    #[inline]
    pub(crate) fn directory(&self) -> Directory<'_, T> {
        Directory {
            entries: &self.directory,
            place_bits: self.place_bits,
            _values: PhantomData,
        }
    }

    /// See [`Directory::get`].
    #[inline]
    pub(crate) fn get(&self, index: Index) -> Option<Room<'_, T>> {
        self.directory().get(index)
    }

    /// The slot, in a segment that is made now if need be. The index is not made up.
    #[inline]
    pub(crate) fn room(&self, index: Index) -> Room<'_, T> {
        match self.get(index) {
            Some(room) => room,
            None => self.grow(index),
        }
    }

    #[cold]
    fn grow(&self, index: Index) -> Room<'_, T> {
        debug_assert!(self.directory().names_a_slot(index));
        let segment = self.directory().segment(index);
        let len = segment.last + 1;
        let made = allocate::<T>(len);
        // edge: grow. Release: slots before the pointer to them; Acquire: the winner's slots.
        let first = match segment.first.compare_exchange(
            ptr::null_mut(),
            made.as_ptr(),
            Ordering::Release,
            Ordering::Acquire,
        ) {
            Ok(_) => made,
            Err(others) => {
                // SAFETY: made above, with this length, and shown to no one.
                unsafe { deallocate::<T>(made, len) };
                let Some(others) = NonNull::new(others) else {
                    unreachable!("the exchange failed, so the entry is not null");
                };
                others
            }
        };
        let place = index.place(segment.last);
        // SAFETY: the segment has slots up to its last place, and lives as long as `self`.
        unsafe { Room::new(nth::<T>(first, place)) }
    }

    /// The slots of a shard with these numbers whose segment was made, each with its number.
    pub(crate) fn iter(
        &self,
        shard: usize,
        numbers: Range<usize>,
    ) -> impl Iterator<Item = (usize, Room<'_, T>)> {
        numbers.filter_map(move |number| {
            let index = self.shape.index(number, shard);
            self.get(index).map(|room| (number, room))
        })
    }

    /// The bytes of the directory and all segments.
    pub(crate) fn bytes(&self) -> usize {
        let made = |segment: &&Segment| {
            // edge: grow. Relaxed: nothing behind it is read.
            !segment.first.load(Ordering::Relaxed).is_null()
        };
        let segments = self.directory.iter().filter(made);
        let slots: usize = segments.map(|segment| segment.last + 1).sum();
        size_of_val(&*self.directory) + slots * Stride::<T>::BYTES
    }
}

impl<T> Drop for Segments<T> {
    fn drop(&mut self) {
        for segment in &self.directory {
            // edge: none. `&mut self`: there is no one else.
            let first = segment.first.load(Ordering::Relaxed);
            if let Some(first) = NonNull::new(first) {
                // SAFETY: `grow` made it with this length; nothing borrows it any more.
                unsafe { deallocate::<T>(first, segment.last + 1) };
            }
        }
    }
}

/// The slot that many places after `first`.
///
/// # Safety
///
/// `first` is the first slot of a segment that has more than `place` slots.
#[inline]
unsafe fn nth<T>(first: NonNull<Slot>, place: usize) -> NonNull<Slot> {
    // SAFETY: the caller's duty: this stays inside the segment.
    unsafe { first.byte_add(place * Stride::<T>::BYTES) }
}

fn layout<T>(len: usize) -> Layout {
    let bytes = len.checked_mul(Stride::<T>::BYTES);
    match bytes.map(|bytes| Layout::from_size_align(bytes, Stride::<T>::ALIGN)) {
        Some(Ok(layout)) => layout,
        _ => panic!("handle-table: a segment of {len} slots is larger than the address space"),
    }
}

/// `len` vacant slots of generation 0, with their rooms. Large arrays come as untouched zero pages, so
/// that memory grows with use and not with the length of the last segment.
fn allocate<T>(len: usize) -> NonNull<Slot> {
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
        unsafe { Stride::<T>::make(nth::<T>(first, place)) };
    }
    first
}

/// # Safety
///
/// `first` came from [`allocate`] with `len`, and is not used any more.
unsafe fn deallocate<T>(first: NonNull<Slot>, len: usize) {
    #[cfg(loom)]
    for place in 0..len {
        // SAFETY: the segment has that many slots, and they are not used any more.
        unsafe { Stride::<T>::unmake(nth::<T>(first, place)) };
    }
    // SAFETY: the caller's duty; the layout is the one `allocate` used.
    unsafe { dealloc(first.cast().as_ptr(), layout::<T>(len)) };
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_place_past_the_end_of_a_segment_is_another_slot_of_it() {
        let segments = Segments::<u8>::new(2);
        let shape = segments.shape();
        let first = shape.index(0, 1);
        assert!(segments.get(first).is_none(), "not made yet");
        let slots: Vec<_> = (0..2)
            .map(|number| ptr::from_ref(segments.room(shape.index(number, 1)).slot()))
            .collect();
        let len = shape.segment_len(first.entry(shape.place_bits()));
        assert_eq!(len, 2, "in unit tests");
        for place in 0..1 << 10 {
            let index = Index::from_bits(first.bits() | place);
            assert_eq!(segments.directory().names_a_slot(index), place < len);
            let found = segments.get(index).map(|room| ptr::from_ref(room.slot()));
            assert_eq!(found, Some(slots[place % len]), "{place}");
        }
    }

    #[test]
    fn each_slot_has_memory_of_its_own() {
        let segments = Segments::<u8>::new(2);
        let mut seen = std::collections::HashSet::new();
        for shard in 0..2 {
            for number in 0..100 {
                let slot = segments.room(segments.shape().index(number, shard)).slot();
                assert!(seen.insert(ptr::from_ref(slot)));
            }
        }
    }
}
