//! The slots of a shard: arrays that double in size, made when they are first needed, and never
//! moved or freed before the table is.

use std::{
    alloc::{alloc_zeroed, dealloc, handle_alloc_error, Layout},
    array,
    ops::Range,
    ptr::{self, NonNull},
};

use crate::{
    layout::{FIRST_SEGMENT_BITS, INDEX_MASK, SEGMENTS},
    room::{Room, Stride},
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

/// Where the slot with this number stands: segment, and place in it.
#[inline]
fn locate(number: usize) -> (usize, usize) {
    // Counting from the first segment's length, a number's highest set bit says its segment and
    // the bits below it say the place. The mask tells the compiler that the sum is never zero.
    let shifted = (number & INDEX_MASK) + (1 << FIRST_SEGMENT_BITS);
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

    /// Where the slot is, if its segment was ever made.
    #[inline]
    fn find(&self, number: usize) -> Option<NonNull<Slot<T>>> {
        let (segment, place) = locate(number);
        debug_assert!(segment <= SEGMENTS);
        // SAFETY: `number` has at most INDEX_BITS bits, so `segment` is at most SEGMENTS, and the
        // directory has one entry more than that.
        let entry = unsafe { self.directory.get_unchecked(segment) };
        // edge: grow. Whoever sees the segment sees its slots made.
        let first = NonNull::new(entry.load(Ordering::Acquire))?;
        // SAFETY: a segment that is set has `segment_len(segment)` slots, more than `place`.
        Some(unsafe { nth(first, place) })
    }

    /// The slot, if its segment was ever made; any number below `2^INDEX_BITS` may be asked for.
    #[inline]
    pub(crate) fn get(&self, number: usize) -> Option<&Slot<T>> {
        // SAFETY: `find` found it in a segment, and segments live as long as `self`.
        self.find(number).map(|slot| unsafe { slot.as_ref() })
    }

    /// The slot with the room for its value, in a segment that is made now if need be.
    #[inline]
    pub(crate) fn room(&self, number: usize) -> Room<'_, T> {
        let slot = match self.find(number) {
            Some(slot) => slot,
            None => self.grow(number),
        };
        // SAFETY: found in a segment, and segments live as long as `self`.
        unsafe { Room::new(slot) }
    }

    #[cold]
    fn grow(&self, number: usize) -> NonNull<Slot<T>> {
        let (segment, place) = locate(number);
        let made = allocate::<T>(segment_len(segment));
        // edge: grow. Release: slots before the pointer to them; Acquire: the winner's slots.
        let first = match self.directory[segment].compare_exchange(
            ptr::null_mut(),
            made.as_ptr(),
            Ordering::Release,
            Ordering::Acquire,
        ) {
            Ok(_) => made,
            Err(others) => {
                // SAFETY: made above, with this length, and shown to no one.
                unsafe { deallocate(made, segment_len(segment)) };
                let Some(others) = NonNull::new(others) else {
                    unreachable!("the exchange failed, so the entry is not null");
                };
                others
            }
        };
        // SAFETY: as in `find`.
        unsafe { nth(first, place) }
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
            .map(|k| segment_len(k) * Stride::<T>::BYTES)
            .sum()
    }
}

impl<T> Drop for Segments<T> {
    fn drop(&mut self) {
        for segment in 0..SEGMENTS {
            // edge: none. `&mut self`: there is no one else.
            let first = self.directory[segment].load(Ordering::Relaxed);
            if let Some(first) = NonNull::new(first) {
                // SAFETY: `grow` made it with this length; nothing borrows it any more.
                unsafe { deallocate(first, segment_len(segment)) };
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
unsafe fn nth<T>(first: NonNull<Slot<T>>, place: usize) -> NonNull<Slot<T>> {
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

/// `len` vacant slots of generation 0, with rooms. Large arrays come as untouched zero pages, so
/// that memory grows with use and not with the length of the last segment.
fn allocate<T>(len: usize) -> NonNull<Slot<T>> {
    let layout = layout::<T>(len);
    // SAFETY: `len` is not zero, and a slot is 2 words, so the layout has a size.
    let Some(first) = NonNull::new(unsafe { alloc_zeroed(layout) }) else {
        handle_alloc_error(layout);
    };
    let first = first.cast();
    // Outside loom a slot is two std atomics, with the layout of `usize` and `*mut`, so zeroes
    // are a vacant slot. loom's atomics are objects, and are made one by one.
    #[cfg(loom)]
    for place in 0..len {
        // SAFETY: the segment has that many slots.
        unsafe { nth(first, place).write(Slot::new()) };
    }
    first
}

/// # Safety
///
/// `first` came from [`allocate`] with `len`, and is not used any more.
unsafe fn deallocate<T>(first: NonNull<Slot<T>>, len: usize) {
    #[cfg(loom)]
    for place in 0..len {
        // SAFETY: the segment has that many slots, and they are not used any more.
        unsafe { nth(first, place).drop_in_place() };
    }
    // SAFETY: the caller's duty; the layout is the one `allocate` used.
    unsafe { dealloc(first.cast().as_ptr(), layout::<T>(len)) };
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
