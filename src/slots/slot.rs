//! A slot's room: where its value lives. A small value lies in it, a large one in a box that the
//! room points to.
//!
//! In the room, a look-up that misses the cache misses it once, and an insert allocates nothing;
//! that memory stays with the slot. A box is given back to the allocator when its value is dropped.

use std::{
    marker::PhantomData,
    mem::{needs_drop, offset_of, MaybeUninit},
    ptr::NonNull,
};

use super::{atomic_state::AtomicState, state::LiveState};
use crate::{
    epoch::Guard,
    sync::{AtomicPtr, Ordering, UnsafeCell},
};

/// Values up to this size, in bytes, lie in their rooms.
const MAX_INLINE: usize = 64;

/// A slot with a small value in its room.
#[repr(C)]
struct Inline<T> {
    slot: AtomicState,
    value: UnsafeCell<MaybeUninit<T>>,
}

/// A slot with a pointer in its room, to the box with a large value. Zeroes are a null pointer.
#[repr(C)]
struct Boxed<T> {
    slot: AtomicState,
    value: AtomicPtr<T>,
}

/// How the slots of a table of `T` lie in memory.
pub(crate) struct SlotLayout<T>(T);

impl<T> SlotLayout<T> {
    /// Whether values lie in their rooms.
    const INLINE: bool = size_of::<T>() <= MAX_INLINE && align_of::<T>() <= MAX_INLINE;

    /// Whether nothing is to be done for a value that is gone: neither a drop nor a box to free.
    pub(crate) const TRIVIAL: bool = Self::INLINE && !needs_drop::<T>();

    /// Bytes from one slot to the next.
    pub(crate) const SIZE: usize = if Self::INLINE {
        size_of::<Inline<T>>()
    } else {
        size_of::<Boxed<T>>()
    };

    /// Bytes from a slot to its room.
    pub(crate) const VALUE_OFFSET: usize = if Self::INLINE {
        offset_of!(Inline<T>, value)
    } else {
        offset_of!(Boxed<T>, value)
    };

    /// The alignment of a segment.
    pub(crate) const ALIGN: usize = if Self::INLINE {
        align_of::<Inline<T>>()
    } else {
        align_of::<Boxed<T>>()
    };

    /// Bytes that a live value takes beyond the stride.
    pub(crate) const BOX_BYTES: usize = if Self::INLINE { 0 } else { size_of::<T>() };
}

/// A slot of a table of `T`, with its room.
pub(crate) struct Slot<'s, T> {
    /// The room, as the segment's memory knows it: good for the slot ahead of it too. So a value in
    /// its room is found by no step more.
    place: NonNull<()>,
    _segment: PhantomData<&'s T>,
}

impl<T> Clone for Slot<'_, T> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Slot<'_, T> {}

impl<'s, T> Slot<'s, T> {
    /// # Safety
    ///
    /// `place` is that of a slot's room in a segment of `T` that lives for `'s`.
    #[inline]
    pub(crate) unsafe fn new(place: NonNull<()>) -> Self {
        Self {
            place,
            _segment: PhantomData,
        }
    }

    #[inline]
    pub(crate) fn state(self) -> &'s AtomicState {
        // SAFETY: the promise of `new`: the slot lies there.
        unsafe {
            self.place
                .byte_sub(SlotLayout::<T>::VALUE_OFFSET)
                .cast()
                .as_ref()
        }
    }

    /// Asks for the slot's cache line. A hint: what is seen does not depend on it.
    #[inline(always)]
    pub(crate) fn prefetch(self) {
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        // SAFETY: it has no effect but on caches, at any address.
        unsafe {
            use std::arch::x86_64::{_mm_prefetch, _MM_HINT_T0};
            _mm_prefetch::<_MM_HINT_T0>(self.place.as_ptr().cast());
        }
    }

    /// The room, if values lie in it.
    #[inline]
    fn inline(self) -> Option<&'s UnsafeCell<MaybeUninit<T>>> {
        // SAFETY: then the segment has an `Inline<T>` here, by the promise of `new`.
        SlotLayout::<T>::INLINE.then(|| unsafe { self.place.cast().as_ref() })
    }

    /// The pointer in the room.
    ///
    /// # Safety
    ///
    /// Values don't lie in it.
    #[inline]
    unsafe fn pointer(self) -> &'s AtomicPtr<T> {
        // SAFETY: then the segment has a `Boxed<T>` here, by the promise of `new`.
        unsafe { self.place.cast().as_ref() }
    }

    /// Puts `value` where it is to live.
    ///
    /// # Safety
    ///
    /// The caller has claimed the slot: no one else writes to its room or reads it.
    #[inline]
    pub(crate) unsafe fn write(self, value: T) {
        match self.inline() {
            // SAFETY: the caller's duty.
            Some(slot) => slot.with_mut(|slot| unsafe { slot.cast::<T>().write(value) }),
            None => {
                let boxed = Box::into_raw(Box::new(value));
                // SAFETY: not inline.
                // edge: none. `Slot::publish` comes next, a Release.
                unsafe { self.pointer() }.store(boxed, Ordering::Relaxed);
            }
        }
    }

    /// Where the value is.
    ///
    /// # Safety
    ///
    /// There is one, and `put` happened before.
    #[inline]
    unsafe fn value(self) -> NonNull<T> {
        let value = match self.inline() {
            Some(slot) => slot.with(|slot| slot.cast::<T>().cast_mut()),
            // SAFETY: not inline.
            // edge: none. Ordered by the state, which the caller has seen.
            None => unsafe { self.pointer() }.load(Ordering::Relaxed),
        };
        // SAFETY: the caller's duty: `put` has stored it, or it is the room.
        unsafe { NonNull::new_unchecked(value) }
    }

    /// The value of the handle that `word` stands for, if that is valid, readable while `guard` lives.
    #[inline]
    pub(crate) fn read<'g>(self, word: LiveState, guard: &'g Guard) -> Option<&'g T>
    where
        's: 'g,
    {
        if self.state().load() != word.word() {
            return None;
        }
        // SAFETY: the state was live while `guard` was pinned.
        Some(unsafe { self.value_ref(guard) })
    }

    /// The value of a slot that was live.
    ///
    /// # Safety
    ///
    /// The caller saw the state live (or made it limbo itself) after `_guard` was pinned.
    #[inline]
    pub(crate) unsafe fn value_ref<'g>(self, _guard: &'g Guard) -> &'g T
    where
        's: 'g,
    {
        // SAFETY: `publish` ordered the value before the state that the caller saw; and until the
        // guard is gone, no grace period that began after the slot was live can end, so nobody
        // drops the value or puts another one here.
        unsafe { self.value().as_ref() }
    }

    /// Takes the value away; a large one is not moved.
    ///
    /// # Safety
    ///
    /// As for [`drop_value`](Self::drop_value).
    pub(crate) unsafe fn take(self) -> Box<T> {
        // Not by `inline`: in a build without optimization, even a branch that is never taken
        // needs stack for the value that it moves.
        // SAFETY: the caller's duty: it is there, and is not used again where it was.
        unsafe {
            if SlotLayout::<T>::INLINE {
                Box::new(self.value().read())
            } else {
                Box::from_raw(self.value().as_ptr())
            }
        }
    }

    /// Drops the value where it lies, and gives back its memory if that is its own.
    ///
    /// # Safety
    ///
    /// There is a value, and nobody else can reach it, now or later.
    #[inline]
    pub(crate) unsafe fn drop_value(self) {
        match self.inline() {
            // SAFETY: the caller's duty.
            Some(slot) => slot.with_mut(|slot| unsafe { slot.cast::<T>().drop_in_place() }),
            // A box frees its memory even if the drop of what is in it panics.
            // SAFETY: as above; and `put` made the box.
            None => drop(unsafe { Box::from_raw(self.value().as_ptr()) }),
        }
    }
}

/// loom's atomics and cells are objects, and are made one by one; std's are memory that is zeroed.
#[cfg(loom)]
impl<T> SlotLayout<T> {
    /// # Safety
    ///
    /// `place` is memory of a segment of `T`, and holds no slot.
    pub(crate) unsafe fn make(place: NonNull<AtomicState>) {
        let slot = AtomicState::new();
        // SAFETY: the caller's duty.
        unsafe {
            if Self::INLINE {
                let value = UnsafeCell::new(MaybeUninit::<T>::uninit());
                place.cast().write(Inline { slot, value });
            } else {
                let value = AtomicPtr::<T>::new(std::ptr::null_mut());
                place.cast().write(Boxed { slot, value });
            }
        }
    }

    /// # Safety
    ///
    /// `place` is a slot of a segment of `T`, not used any more.
    pub(crate) unsafe fn unmake(place: NonNull<AtomicState>) {
        // SAFETY: the caller's duty.
        unsafe {
            if Self::INLINE {
                place.cast::<Inline<T>>().drop_in_place();
            } else {
                place.cast::<Boxed<T>>().drop_in_place();
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn small_values_lie_beside_their_slot_and_large_ones_do_not() {
        assert_eq!(SlotLayout::<()>::SIZE, size_of::<usize>());
        assert_eq!(SlotLayout::<usize>::SIZE, 2 * size_of::<usize>());
        assert_eq!(SlotLayout::<[u8; 64]>::SIZE, size_of::<usize>() + 64);
        assert_eq!(SlotLayout::<[u8; 65]>::SIZE, 2 * size_of::<usize>());
        assert_eq!(SlotLayout::<[u8; 65]>::BOX_BYTES, 65);
    }

    #[test]
    fn aligned_values_get_aligned_rooms() {
        #[repr(align(64))]
        struct Line(#[allow(dead_code)] u8);
        #[repr(align(128))]
        struct TwoLines(#[allow(dead_code)] u8);

        assert_eq!(SlotLayout::<Line>::ALIGN, 64);
        assert_eq!(SlotLayout::<Line>::SIZE, 128);
        assert_eq!(SlotLayout::<TwoLines>::ALIGN, align_of::<usize>());
        assert_eq!(SlotLayout::<u128>::SIZE % align_of::<u128>(), 0);
    }
}
