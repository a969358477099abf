//! **Delete**: unlink the state; then drop the value, if no reader is in the way.
//!
//! ```text
//! trivial value    collect the slot in a batch, see batches.rs
//! table of batches collect the slot; when there are enough of them, drop or retire the list
//! else             nobody reads? drop the value, and free the slot.   else retire the slot
//! ```

use super::{body::Inner, drops::UnlinkedSlots};
use crate::{
    epoch::{self, is_dropping},
    handle::RawHandle,
    slots::{AtomicState, Index, Link, LiveState, Slot, SlotLayout},
};

impl<T> Inner<T> {
    /// Deletes `handle`, if it is valid. Returns its slot, whose value may be gone.
    #[inline(always)]
    pub(crate) fn delete(&self, handle: RawHandle) -> Option<Slot<'_, T>> {
        let found = self.lookup().find(handle)?;
        let (slot, live) = (found.slot(), found.live());
        if SlotLayout::<T>::TRIVIAL {
            self.delete_trivial(slot.state(), live)?;
        } else if self.batch == 0 {
            self.drop_or_retire(self.unlink(slot, live)?);
            epoch::help();
        } else {
            self.delete_into_batch(slot.state(), live)?;
        }
        Some(slot)
    }

    /// Deletes `handle`, if it is valid, without a batch. Returns whether the value was dropped: if
    /// not, a reader is in the way, or the call comes from a value's `Drop`. A trivial value counts
    /// as dropped if no reader sees it.
    pub(crate) fn delete_now(&self, handle: RawHandle) -> Option<bool> {
        if SlotLayout::<T>::TRIVIAL {
            self.delete(handle)?;
            return Some(!is_dropping() && epoch::is_unread());
        }
        let found = self.lookup().find(handle)?;
        let unlinked = self.unlink(found.slot(), found.live())?;
        let is_dropped = self.drop_or_retire(unlinked);
        epoch::help();
        Some(is_dropped)
    }

    /// Unlinks a slot, linked to itself, so that its value is the caller's. `None` if the handle is
    /// invalid.
    #[inline(always)]
    fn unlink<'t>(&'t self, slot: Slot<'t, T>, live: LiveState) -> Option<Unlinked<'t, T>> {
        let index = live.index();
        if !slot.state().unlink(live, Link::to(index)) {
            return None;
        }
        self.count_deleted();
        Some(Unlinked { slot, index, live })
    }

    /// Deletes `handle`, if it is valid, and leaves its value to the caller.
    pub(super) fn unlink_into(&self, handle: RawHandle, slots: &mut UnlinkedSlots) -> bool {
        let unlinked = self.lookup().find(handle).and_then(|found| {
            let unlinked = self.unlink(found.slot(), found.live())?;
            slots.push(unlinked.slot.state(), unlinked.live);
            Some(())
        });
        unlinked.is_some()
    }

    /// Counts a handle that the calling thread has issued out of a reservation.
    pub(super) fn count_issued(&self) {
        match self.owner_fast() {
            Some(owner) => owner.count_issued(),
            None => self.access().shard().count_issued(),
        }
    }

    /// Counts a handle that the calling thread has deleted.
    #[inline]
    pub(super) fn count_deleted(&self) {
        match self.owner_fast() {
            Some(owner) => owner.count_deleted(),
            None => self.count_deleted_slow(),
        }
    }

    /// Counts a handle whose slot goes into no batch. Where there are batches of trivial values,
    /// the owner's count tells when one is full.
    pub(super) fn count_taken(&self) {
        if SlotLayout::<T>::TRIVIAL {
            self.count_deleted_slow();
        } else {
            self.count_deleted();
        }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn count_deleted_slow(&self) {
        self.access().shard().count_deleted();
        self.return_quota();
    }

    /// Drops the value of a slot that the caller has unlinked, and frees the slot; or retires it,
    /// if that must wait. Returns whether the value was dropped.
    #[inline]
    fn drop_or_retire(&self, unlinked: Unlinked<'_, T>) -> bool {
        let Unlinked { slot, index, live } = unlinked;
        if is_dropping() || !epoch::is_unread() {
            let mut slots = UnlinkedSlots::new();
            slots.push(slot.state(), live);
            return self.retire(slots);
        }
        epoch::while_dropping(|| self.drop_slot(slot, index, live.state().generation()));
        true
    }

    #[inline]
    fn delete_into_batch(&self, state: &AtomicState, live: LiveState) -> Option<()> {
        let access = self.access();
        let is_full = access.shard().delete(state, live, self.batch)?;
        self.count_deleted();
        if is_full {
            self.drop_batch(access.shard());
            epoch::help();
        }
        Some(())
    }
}

/// A slot that the calling thread has deleted, linked to itself.
struct Unlinked<'t, T> {
    slot: Slot<'t, T>,
    index: Index,
    live: LiveState,
}
