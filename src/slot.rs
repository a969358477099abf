//! One slot: a state word, a pointer to the value, and the three verbs' decisive steps
//! (their linearization points).
//!
//! ```text
//!            publish              unlink               vacate
//! vacant(g) ---------> live(g) ---------> limbo(g) ---------> vacant(g + 1), or retired
//!   claimed by one      readers            a grace period, then the value is dropped
//! ```
//!
//! The state alone says whether a handle is valid; the pointer is written only by the one thread
//! that has claimed the vacant slot, and again by the one that drops the value. A reader is pinned
//! before it looks at the state. If it finds its handle there, the slot can't leave limbo before
//! the reader unpins, so the pointer that it loads next belongs to its handle and to no other:
//! one look at the state is enough. See "publish" and "grace" in docs/ORDERING.md.

use std::ptr::{self, NonNull};

use crate::{
    index::Link,
    layout::LAST_GENERATION,
    sync::{AtomicPtr, AtomicUsize, Ordering},
    thread::Guard,
    word::{LiveWord, Phase, Word},
};

/// 16 bytes on 64-bit targets. All zeroes is a vacant slot of generation 0.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Slot<T> {
    state: AtomicUsize,
    value: AtomicPtr<T>,
}

impl<T> Slot<T> {
    /// A vacant slot of generation 0. Outside loom, memory that is zeroed does as well.
    #[cfg(loom)]
    pub(crate) fn new() -> Self {
        Self {
            state: AtomicUsize::new(0),
            value: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// The state as it is now.
    #[inline]
    pub(crate) fn state(&self) -> Word {
        // edge: publish, delete. Whoever sees a live slot sees its value made, whoever sees a
        // deleted one sees what its deleter did before.
        Word::from_bits(self.state.load(Ordering::Acquire))
    }

    /// The state, to the one thread that owns the slot: it wrote it, or has since acquired it
    /// through the edge that handed the slot over.
    #[inline]
    pub(crate) fn own_state(&self) -> Word {
        // edge: none. Nobody else writes the state of a slot that is owned.
        Word::from_bits(self.state.load(Ordering::Relaxed))
    }

    /// **New**, in a slot that the caller has claimed: from here on the handle is valid.
    #[inline]
    pub(crate) fn publish(&self, word: LiveWord, value: NonNull<T>) {
        // edge: none. The next store publishes it.
        self.value.store(value.as_ptr(), Ordering::Relaxed);
        // edge: publish. Value and pointer before the state that lets readers in.
        self.state.store(word.bits(), Ordering::Release);
    }

    /// **Value**: that of the handle that `word` stands for, readable while `guard` lives.
    #[inline]
    pub(crate) fn read<'g>(&self, word: LiveWord, guard: &'g Guard) -> Result<&'g T, Word> {
        let state = self.state();
        if state != word.word() {
            return Err(state);
        }
        // SAFETY: the state was live while `guard` was pinned.
        Ok(unsafe { self.deref(guard) })
    }

    /// The value of a slot that was live.
    ///
    /// # Safety
    ///
    /// The caller saw the state live (or made it limbo itself) after `_guard` was pinned.
    #[inline]
    pub(crate) unsafe fn deref<'g>(&self, _guard: &'g Guard) -> &'g T {
        // edge: none. `publish` ordered this store before the state that the caller saw, and
        // "grace" keeps every later one behind the guard.
        let value = self.value.load(Ordering::Relaxed);
        // SAFETY: a live slot's pointer leads to its value, and until the guard is gone no grace
        // period that began after the slot was live can end: nobody drops the value.
        unsafe { &*value }
    }

    /// **Delete**: one caller wins, and the handle is invalid from here on. The winner owns the
    /// slot's link, and owes it a grace period.
    ///
    /// # Errors
    ///
    /// The state that was there instead.
    #[inline]
    pub(crate) fn unlink(&self, word: LiveWord, link: Link) -> Result<(), Word> {
        let limbo = word.limbo(link);
        // edge: delete. Release: who finds the slot in limbo comes after what the deleter did
        // before; Acquire: the deleter comes after the publisher, the loser after the winner.
        self.state
            .compare_exchange(
                word.bits(),
                limbo.bits(),
                Ordering::AcqRel,
                Ordering::Acquire,
            )
            .map(drop)
            .map_err(Word::from_bits)
    }

    /// Sets the link of a slot in limbo, by the thread that unlinked it.
    pub(crate) fn relink(&self, link: Link) {
        let limbo = Word::limbo(self.own_state().generation(), link);
        // edge: delete. This store hides the unlink from a walker's load, so it says the same.
        self.state.store(limbo.bits(), Ordering::Release);
    }

    /// Whether a value waits here to be dropped: to the one thread that may drop it.
    pub(crate) fn holds_value(&self) -> bool {
        // edge: walk. Flag and busy counts keep walkers and batches apart.
        !self.value.load(Ordering::Relaxed).is_null()
    }

    /// Takes the value of a slot in limbo whose grace period is over; `None` if a walker has
    /// dropped it already.
    ///
    /// # Safety
    ///
    /// The caller is the only one that may do this now: see "walk" in docs/ORDERING.md.
    #[inline]
    pub(crate) unsafe fn take(&self) -> Option<NonNull<T>> {
        // edge: walk. Walkers and batches never do this at the same time.
        let value = self.value.load(Ordering::Relaxed);
        // edge: walk. As above.
        self.value.store(ptr::null_mut(), Ordering::Relaxed);
        NonNull::new(value)
    }

    /// Ends the slot's use under `generation`: retires it if that was the last, else makes it
    /// vacant with the next one, linked to `link`. Returns that next generation.
    ///
    /// The caller owns the slot, and hands it on through a list with an edge of its own.
    #[inline]
    pub(crate) fn vacate(&self, generation: usize, link: Link) -> Option<usize> {
        let (word, next) = if generation == LAST_GENERATION {
            (Word::RETIRED, None)
        } else {
            (Word::vacant(generation + 1, link), Some(generation + 1))
        };
        // edge: delete. Who is answered "deleted" by this comes after the deleter too; who takes
        // the slot comes through the list, which has an edge of its own.
        self.state.store(word.bits(), Ordering::Release);
        next
    }

    /// Sets the link of a vacant slot that the caller still owns.
    pub(crate) fn link_vacant(&self, generation: usize, link: Link) {
        // edge: delete. As in `vacate`.
        self.state
            .store(Word::vacant(generation, link).bits(), Ordering::Release);
    }

    /// What lies in this slot, live or in limbo, for the table's own drop.
    ///
    /// # Safety
    ///
    /// Nobody else uses the table any more.
    pub(crate) unsafe fn take_any(&self) -> Option<NonNull<T>> {
        match self.own_state().phase() {
            // SAFETY: the caller's duty.
            Phase::Live | Phase::Limbo => unsafe { self.take() },
            Phase::Vacant | Phase::Retired => None,
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::{room, segment::Segments, thread};

    #[test]
    fn a_slot_lives_through_all_its_generations_and_then_no_more() {
        let segments = Segments::<String>::new(1);
        let index = segments.shape().index(0, 0);
        let slot = segments.room(index).slot;
        let guard = thread::pin();
        let mut words = Vec::new();
        for generation in 0..=LAST_GENERATION {
            let word = LiveWord::new(generation, index);
            assert!(slot.read(word, &guard).is_err(), "before it is published");
            let room = segments.room(index);
            // SAFETY: no one else uses the slot.
            let value = unsafe { room.put(format!("{generation}")) };
            slot.publish(word, value);
            assert_eq!(slot.read(word, &guard).ok(), Some(&format!("{generation}")));

            assert_eq!(slot.unlink(word, Link::END), Ok(()));
            assert_eq!(
                slot.unlink(word, Link::END),
                Err(Word::limbo(generation, Link::END))
            );
            // SAFETY: no other thread is here, and what was read is not used any more.
            let taken = unsafe { slot.take() };
            assert_eq!(taken, Some(value));
            assert!(!slot.holds_value());
            // SAFETY: as above.
            unsafe { room::drop_value(value) };
            let next = slot.vacate(generation, Link::END);
            assert_eq!(next.is_some(), generation < LAST_GENERATION);
            words.push(word);
        }
        assert_eq!(slot.own_state(), Word::RETIRED);
        for word in words {
            assert!(slot.read(word, &guard).is_err());
            assert_eq!(slot.unlink(word, Link::END), Err(Word::RETIRED));
        }
    }
}
