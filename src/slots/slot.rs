//! A slot with its value. A small value lies in the slot; a large one lies in a box that the slot
//! points to.
//!
//! With the value in the slot, a look-up that misses the cache misses it once, and an insert
//! allocates nothing; the memory stays with the slot. The memory of a box is given back to the
//! allocator when its value is dropped.

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

/// Values up to this size and alignment, in bytes, lie in their slots.
const MAX_INLINE: usize = 64;

/// A slot with its value inside.
#[repr(C)]
struct Inline<T> {
    state: AtomicState,
    value: UnsafeCell<MaybeUninit<T>>,
}

/// A slot with a pointer to its value's box. Zeroes are a null pointer.
#[repr(C)]
struct Boxed<T> {
    state: AtomicState,
    value: AtomicPtr<T>,
}

/// How the slots of a table of `T` lie in memory.
pub(crate) struct SlotLayout<T>(T);

impl<T> SlotLayout<T> {
    /// Whether values lie in their slots.
    const INLINE: bool = size_of::<T>() <= MAX_INLINE && align_of::<T>() <= MAX_INLINE;

    /// Whether a deleted value is *trivial*: it lies in its slot and has no destructor, so nothing
    /// is left to do for it, neither a drop nor a box to free. Nothing shows when that is done, so
    /// deleted slots with trivial values wait in batches (`inner/batches.rs`), and all others go
    /// with their delete or its readers.
    ///
    /// After its grace period, a whole batch becomes its owner's free list as it is, with the slots
    /// still in limbo. The next insert takes the step from limbo to vacant together with its own.
    /// That saves one visit to each slot: an insert with a remove takes 16 % less time. All that
    /// follows from it:
    /// - an owner claims slots in limbo from its free list (`shard/owner.rs`);
    /// - a batch that is adopted whole is not visited (`reclaim` in `inner/batches.rs`);
    /// - `quiesce` does not look for trivial values in limbo, since such a slot may be free, but
    ///   waits for a grace period (`inner/flush.rs`); and the drop of the table leaves them alone
    ///   (`inner/drops.rs`);
    /// - `Stats` counts a slot in limbo as pending only if it is in a sealed batch
    ///   (`inner/iterate.rs`).
    pub(crate) const TRIVIAL: bool = Self::INLINE && !needs_drop::<T>();

    /// Bytes from one slot to the next.
    pub(crate) const SIZE: usize =
        if Self::INLINE { size_of::<Inline<T>>() } else { size_of::<Boxed<T>>() };

    /// Bytes from the start of a slot to its value, or to the pointer.
    pub(crate) const VALUE_OFFSET: usize =
        if Self::INLINE { offset_of!(Inline<T>, value) } else { offset_of!(Boxed<T>, value) };

    /// The alignment of a segment, in bytes.
    pub(crate) const ALIGN: usize =
        if Self::INLINE { align_of::<Inline<T>>() } else { align_of::<Boxed<T>>() };

    /// Bytes that a live value takes outside of its slot.
    pub(crate) const BOX_BYTES: usize = if Self::INLINE { 0 } else { size_of::<T>() };
}

/// A slot of a table of `T`.
pub(crate) struct Slot<'s, T> {
    /// The value, or the pointer to its box. It has the provenance of the whole segment, so it may
    /// also reach the state in front. Pointing to the value saves an addition.
    value_ptr: NonNull<()>,
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
    /// `value_ptr` is [`VALUE_OFFSET`](SlotLayout::VALUE_OFFSET) bytes into a slot of a segment of
    /// `T` that lives for `'s`, and has the provenance of the segment.
    #[inline]
    pub(super) unsafe fn new(value_ptr: NonNull<()>) -> Self {
        Self { value_ptr, _segment: PhantomData }
    }

    #[inline]
    pub(crate) fn state(self) -> &'s AtomicState {
        // SAFETY: by the promise of `new` the state lies there.
        unsafe { self.value_ptr.byte_sub(SlotLayout::<T>::VALUE_OFFSET).cast().as_ref() }
    }

    /// Asks for the slot's cache line. A hint, on x86-64 alone: what is read does not depend on it.
    #[inline(always)]
    pub(crate) fn prefetch(self) {
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        // SAFETY: a prefetch affects caches only, at any address.
        unsafe {
            use std::arch::x86_64::{_mm_prefetch, _MM_HINT_T0};
            _mm_prefetch::<_MM_HINT_T0>(self.value_ptr.as_ptr().cast());
        }
    }

    /// The memory of the value, if values lie in their slots.
    #[inline]
    fn inline(self) -> Option<&'s UnsafeCell<MaybeUninit<T>>> {
        // SAFETY: then this is the `value` of an `Inline<T>`, by the promise of `new`.
        SlotLayout::<T>::INLINE.then(|| unsafe { self.value_ptr.cast().as_ref() })
    }

    /// The pointer to the value's box.
    ///
    /// # Safety
    ///
    /// Values do not lie in their slots.
    #[inline]
    unsafe fn boxed(self) -> &'s AtomicPtr<T> {
        // SAFETY: then this is the `value` of a `Boxed<T>`, by the promise of `new`.
        unsafe { self.value_ptr.cast().as_ref() }
    }

    /// Writes `value` to where it is to live.
    ///
    /// # Safety
    ///
    /// The caller has claimed the slot: no other thread writes or reads its value.
    #[inline]
    pub(crate) unsafe fn write(self, value: T) {
        match self.inline() {
            // SAFETY: the caller's duty.
            Some(cell) => cell.with_mut(|cell| unsafe { cell.cast::<T>().write(value) }),
            None => {
                let value = Box::into_raw(Box::new(value));
                // SAFETY: not inline.
                // edge: none. `AtomicState::publish` comes next, a Release.
                unsafe { self.boxed() }.store(value, Ordering::Relaxed);
            }
        }
    }

    /// Where the value is.
    ///
    /// # Safety
    ///
    /// There is a value, and its `write` happened before this call.
    #[inline]
    unsafe fn value(self) -> NonNull<T> {
        let value = match self.inline() {
            Some(cell) => cell.with(|cell| cell.cast::<T>().cast_mut()),
            // SAFETY: not inline.
            // edge: none. Ordered by the state, which the caller has seen.
            None => unsafe { self.boxed() }.load(Ordering::Relaxed),
        };
        // SAFETY: the caller's duty: `write` stored a box's pointer, or the cell is in a slot.
        unsafe { NonNull::new_unchecked(value) }
    }

    /// The value, if the slot is live in this state, readable while `guard` lives.
    #[inline]
    pub(crate) fn read<'g>(self, live: LiveState, guard: &'g Guard) -> Option<&'g T>
    where
        's: 'g,
    {
        if self.state().load() != live.state() {
            return None;
        }
        // SAFETY: the state was live while `guard` was pinned.
        Some(unsafe { self.value_ref(guard) })
    }

    /// The value of a slot that was live.
    ///
    /// # Safety
    ///
    /// After `_guard` was pinned, the caller saw the state live, or unlinked the slot itself.
    #[inline]
    pub(crate) unsafe fn value_ref<'g>(self, _guard: &'g Guard) -> &'g T
    where
        's: 'g,
    {
        // SAFETY: `publish` ordered the value before the state that the caller saw. Until the guard
        // is gone, its thread is in the way of what is deleted. So no thread drops the value or
        // writes another one here.
        unsafe { self.value().as_ref() }
    }

    /// Drops the value where it lies, and frees its box if it has one.
    ///
    /// # Safety
    ///
    /// There is a value, its `write` happened before this call, and no other thread can reach it,
    /// now or later.
    #[inline]
    pub(crate) unsafe fn drop_value(self) {
        match self.inline() {
            // SAFETY: the caller's duty.
            Some(cell) => cell.with_mut(|cell| unsafe { cell.cast::<T>().drop_in_place() }),
            // As a box, so that its memory is freed even if the value's drop panics.
            // SAFETY: the caller's duty; `write` made the box.
            None => drop(unsafe { Box::from_raw(self.value().as_ptr()) }),
        }
    }

    /// Moves the value out, and frees its box if it has one.
    ///
    /// # Safety
    ///
    /// There is a value, its `write` happened before this call, and no other thread can reach it,
    /// now or later. It is not there any more afterwards.
    #[inline]
    pub(crate) unsafe fn take_value(self) -> T {
        match self.inline() {
            // SAFETY: the caller's duty.
            Some(cell) => cell.with_mut(|cell| unsafe { cell.cast::<T>().read() }),
            // SAFETY: the caller's duty; `write` made the box.
            None => *unsafe { Box::from_raw(self.value().as_ptr()) },
        }
    }
}

/// loom's atomics and cells are objects, and are made one by one; std's are zeroed memory.
#[cfg(loom)]
impl<T> SlotLayout<T> {
    /// # Safety
    ///
    /// `start` is memory of a segment of `T`, and holds no slot.
    pub(super) unsafe fn make(start: NonNull<AtomicState>) {
        let state = AtomicState::new();
        // SAFETY: the caller's duty.
        unsafe {
            if Self::INLINE {
                let value = UnsafeCell::new(MaybeUninit::<T>::uninit());
                start.cast().write(Inline { state, value });
            } else {
                let value = AtomicPtr::<T>::new(std::ptr::null_mut());
                start.cast().write(Boxed { state, value });
            }
        }
    }

    /// # Safety
    ///
    /// `start` is a slot of a segment of `T`, not used any more.
    pub(super) unsafe fn unmake(start: NonNull<AtomicState>) {
        // SAFETY: the caller's duty.
        unsafe {
            if Self::INLINE {
                start.cast::<Inline<T>>().drop_in_place();
            } else {
                start.cast::<Boxed<T>>().drop_in_place();
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn small_values_lie_in_their_slots_and_large_ones_in_boxes() {
        assert_eq!(SlotLayout::<()>::SIZE, size_of::<usize>());
        assert_eq!(SlotLayout::<usize>::SIZE, 2 * size_of::<usize>());
        assert_eq!(SlotLayout::<[u8; 64]>::SIZE, size_of::<usize>() + 64);
        assert_eq!(SlotLayout::<[u8; 65]>::SIZE, 2 * size_of::<usize>());
        assert_eq!(SlotLayout::<[u8; 65]>::BOX_BYTES, 65);
    }

    #[test]
    fn aligned_values_get_aligned_slots() {
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
