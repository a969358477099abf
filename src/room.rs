//! Where a value lives: a small one beside its slot, a large one in a box of its own.
//!
//! Beside the slot, a look-up that misses the cache misses it once, and an insert allocates nothing.
//! That memory stays with the slot. A box is given back to the allocator when its value is dropped.

use std::{
    cell::UnsafeCell,
    mem::{offset_of, MaybeUninit},
    ptr::NonNull,
};

use crate::slot::Slot;

/// Values up to this size, in bytes, live beside their slot.
const MAX_INLINE: usize = 64;

/// A slot with room beside it: only for its layout.
#[repr(C)]
struct Roomy<T> {
    slot: Slot<T>,
    room: UnsafeCell<MaybeUninit<T>>,
}

/// How slots of `T` lie in a segment.
pub(crate) struct Stride<T>(T);

impl<T> Stride<T> {
    /// Whether values live beside their slots.
    const INLINE: bool = size_of::<T>() <= MAX_INLINE && align_of::<T>() <= MAX_INLINE;

    /// Bytes from one slot to the next.
    pub(crate) const BYTES: usize = if Self::INLINE {
        size_of::<Roomy<T>>()
    } else {
        size_of::<Slot<T>>()
    };

    /// The alignment of a segment.
    pub(crate) const ALIGN: usize = if Self::INLINE {
        align_of::<Roomy<T>>()
    } else {
        align_of::<Slot<T>>()
    };

    /// Bytes that a live value takes beyond the stride.
    pub(crate) const BOX_BYTES: usize = if Self::INLINE { 0 } else { size_of::<T>() };
}

/// A vacant slot that the caller has claimed, and where its value is to live.
pub(crate) struct Room<'s, T> {
    pub(crate) slot: &'s Slot<T>,
    /// The slot as the segment's memory knows it: good for the room behind it too.
    place: NonNull<Slot<T>>,
}

impl<'s, T> Room<'s, T> {
    /// # Safety
    ///
    /// `place` points into a segment of `T` that lives for `'s`, to one of its slots.
    #[inline]
    pub(crate) unsafe fn new(place: NonNull<Slot<T>>) -> Self {
        Self {
            // SAFETY: the caller's duty.
            slot: unsafe { place.as_ref() },
            place,
        }
    }

    /// Puts `value` where it is to live.
    ///
    /// # Safety
    ///
    /// The caller has claimed the slot: no one else writes to its room or reads it.
    #[inline]
    pub(crate) unsafe fn put(&self, value: T) -> NonNull<T> {
        if !Stride::<T>::INLINE {
            return NonNull::from(Box::leak(Box::new(value)));
        }
        // SAFETY: a segment of small values has the room at this offset behind each of its slots,
        // and the caller owns it.
        unsafe {
            let room = self.place.byte_add(offset_of!(Roomy<T>, room)).cast::<T>();
            room.write(value);
            room
        }
    }
}

/// Takes the value at `place` away from its slot; a large one is not moved.
///
/// # Safety
///
/// As for [`drop_value`].
pub(crate) unsafe fn take<T>(place: NonNull<T>) -> Box<T> {
    // SAFETY: the caller's duty: it is there, and is not used again where it was.
    unsafe {
        if Stride::<T>::INLINE {
            Box::new(place.read())
        } else {
            Box::from_raw(place.as_ptr())
        }
    }
}

/// Drops the value at `place`, where it lies, and gives back its memory if that is its own.
///
/// # Safety
///
/// [`Room::put`] put it there, and nobody else can reach it, now or later.
#[inline]
pub(crate) unsafe fn drop_value<T>(place: NonNull<T>) {
    // SAFETY: the caller's duty.
    unsafe {
        if Stride::<T>::INLINE {
            place.drop_in_place();
        } else {
            // A box frees its memory even if the drop of what is in it panics.
            drop(Box::from_raw(place.as_ptr()));
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn small_values_lie_beside_their_slot_and_large_ones_do_not() {
        assert_eq!(Stride::<()>::BYTES, 2 * size_of::<usize>());
        assert_eq!(Stride::<usize>::BYTES, 3 * size_of::<usize>());
        assert_eq!(Stride::<[u8; 64]>::BYTES, 2 * size_of::<usize>() + 64);
        assert_eq!(Stride::<[u8; 65]>::BYTES, 2 * size_of::<usize>());
        assert_eq!(Stride::<[u8; 65]>::BOX_BYTES, 65);
    }

    #[test]
    fn aligned_values_get_aligned_rooms() {
        #[repr(align(64))]
        struct Line(#[allow(dead_code)] u8);
        #[repr(align(128))]
        struct TwoLines(#[allow(dead_code)] u8);

        assert_eq!(Stride::<Line>::ALIGN, 64);
        assert_eq!(Stride::<Line>::BYTES, 128);
        assert_eq!(Stride::<TwoLines>::ALIGN, align_of::<usize>());
        assert_eq!(Stride::<u128>::BYTES % align_of::<u128>(), 0);
    }
}
