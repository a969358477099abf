//! The slots of a shard: arrays that double in size, made when they are first needed, and never
//! moved or freed before the table is.

use std::{array, ops::Range, ptr};

use crate::{
    layout::{FIRST_SEGMENT_BITS, INDEX_MASK, SEGMENTS},
    slot::Slot,
    sync::{AtomicPtr, Ordering},
};

/// The directory: segment `k` has `2^(FIRST_SEGMENT_BITS + k)` slots.
#[derive(Debug)]
pub(crate) struct Segments<T> {
    /// The last entry is never set. It stands for the slot numbers past the last segment, which a
    /// forged handle can name.
    directory: [AtomicPtr<Slot<T>>; SEGMENTS + 1],
}

/// Where slot number `slot` stands: segment, and place in it.
#[inline]
fn locate(slot: usize) -> (usize, usize) {
    // Counting from the first segment's length, a number's highest set bit says its segment and
    // the bits below it say the place. The mask tells the compiler that the sum is never zero.
    let shifted = (slot & INDEX_MASK) + (1 << FIRST_SEGMENT_BITS);
    let top = shifted.ilog2();
    let segment = (top - FIRST_SEGMENT_BITS) as usize;
    (segment, shifted & !(1 << top))
}

fn segment_len(segment: usize) -> usize {
    1 << (segment + FIRST_SEGMENT_BITS as usize)
}

impl<T> Segments<T> {
    pub(crate) fn new() -> Self {
        Self {
            directory: array::from_fn(|_| AtomicPtr::new(ptr::null_mut())),
        }
    }

    /// The slot, if its segment was ever made; any number below `2^INDEX_BITS` may be asked for.
    #[inline]
    pub(crate) fn get(&self, slot: usize) -> Option<&Slot<T>> {
        let (segment, place) = locate(slot);
        debug_assert!(segment <= SEGMENTS);
        // SAFETY: `slot` has at most INDEX_BITS bits, so `segment` is at most SEGMENTS, and the
        // directory has one entry more than that.
        let entry = unsafe { self.directory.get_unchecked(segment) };
        // edge: grow. Whoever sees the segment sees its slots made.
        let first = entry.load(Ordering::Acquire);
        if first.is_null() {
            return None;
        }
        // SAFETY: a segment that is set has `segment_len(segment)` slots, more than `place`, and
        // lives as long as `self`.
        Some(unsafe { &*first.add(place) })
    }

    /// The slot, in a segment that is made now if need be.
    #[inline]
    pub(crate) fn get_or_grow(&self, slot: usize) -> &Slot<T> {
        match self.get(slot) {
            Some(slot) => slot,
            None => self.grow(slot),
        }
    }

    #[cold]
    fn grow(&self, slot: usize) -> &Slot<T> {
        let (segment, place) = locate(slot);
        let made = allocate(segment_len(segment));
        // edge: grow. Release: slots before the pointer to them; Acquire: the winner's slots.
        let first = match self.directory[segment].compare_exchange(
            ptr::null_mut(),
            made,
            Ordering::Release,
            Ordering::Acquire,
        ) {
            Ok(_) => made,
            Err(others) => {
                // SAFETY: made above, with this length, and shown to no one.
                unsafe { deallocate(made, segment_len(segment)) };
                others
            }
        };
        // SAFETY: as in `get`.
        unsafe { &*first.add(place) }
    }

    /// The slots with these numbers whose segment was made, each with its number.
    pub(crate) fn iter(&self, numbers: Range<usize>) -> impl Iterator<Item = (usize, &Slot<T>)> {
        numbers.filter_map(|number| self.get(number).map(|slot| (number, slot)))
    }

    /// The bytes of all segments.
    pub(crate) fn bytes(&self) -> usize {
        (0..SEGMENTS)
            // edge: grow. Relaxed: only whether it is there; nothing behind it is read.
            .filter(|&k| !self.directory[k].load(Ordering::Relaxed).is_null())
            .map(|k| segment_len(k) * size_of::<Slot<T>>())
            .sum()
    }
}

impl<T> Drop for Segments<T> {
    fn drop(&mut self) {
        for segment in 0..SEGMENTS {
            // edge: none. `&mut self`: there is no one else.
            let first = self.directory[segment].load(Ordering::Relaxed);
            if !first.is_null() {
                // SAFETY: `grow` made it with this length; nothing borrows it any more.
                unsafe { deallocate(first, segment_len(segment)) };
            }
        }
    }
}

/// `len` vacant slots of generation 0. Large arrays come as untouched zero pages, so that memory
/// grows with use and not with the length of the last segment.
#[cfg(not(loom))]
fn allocate<T>(len: usize) -> *mut Slot<T> {
    use std::alloc::{alloc_zeroed, handle_alloc_error, Layout};

    let Ok(layout) = Layout::array::<Slot<T>>(len) else {
        unreachable!("a segment of {len} slots is larger than the address space");
    };
    // SAFETY: `len` is not zero, and a slot is 2 words, so the layout has a size.
    let first = unsafe { alloc_zeroed(layout) };
    if first.is_null() {
        handle_alloc_error(layout);
    }
    // A slot is two std atomics, with the layout of `usize` and `*mut`: zeroes are 0 and null.
    first.cast()
}

/// # Safety
///
/// `first` came from [`allocate`] with `len`, and is not used any more.
#[cfg(not(loom))]
unsafe fn deallocate<T>(first: *mut Slot<T>, len: usize) {
    use std::alloc::{dealloc, Layout};

    if let Ok(layout) = Layout::array::<Slot<T>>(len) {
        // SAFETY: the caller's duty; the layout is the one `allocate` used. Slots need no drop.
        unsafe { dealloc(first.cast(), layout) };
    }
}

/// loom's atomics are objects, not words, so they are made one by one.
#[cfg(loom)]
fn allocate<T>(len: usize) -> *mut Slot<T> {
    let slots: Box<[Slot<T>]> = (0..len).map(|_| Slot::new()).collect();
    Box::into_raw(slots).cast()
}

/// # Safety
///
/// As above.
#[cfg(loom)]
unsafe fn deallocate<T>(first: *mut Slot<T>, len: usize) {
    // SAFETY: the caller's duty; this is how `allocate` made it.
    drop(unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(first, len)) });
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_its_own_place() {
        let mut expected = (0, 0);
        for slot in 0..10_000 {
            assert_eq!(locate(slot), expected);
            expected.1 += 1;
            if expected.1 == segment_len(expected.0) {
                expected = (expected.0 + 1, 0);
            }
        }
    }

    #[test]
    fn numbers_past_the_last_segment_are_in_the_entry_that_stays_empty() {
        use crate::layout::{slots_per_shard, INDEX_BITS};

        let (last, _) = locate(slots_per_shard(0) - 1);
        assert_eq!(last, SEGMENTS - 1);
        let (beyond, _) = locate((1 << INDEX_BITS) - 1);
        assert_eq!(beyond, SEGMENTS);
        assert!(Segments::<u8>::new().get((1 << INDEX_BITS) - 1).is_none());
    }
}
