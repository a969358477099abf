//! Walks over all slots, for what the lists can't tell: what idle and ended threads have left
//! behind, what is live, what there is in all.
//!
//! The slots are the truth, and lists are only hints. A deleted slot waits in a batch that belongs
//! to one thread, perhaps for ever. A walker finds it all the same, by its state, and after a grace
//! period drops its value; the slot stays in its batch, empty, until its owner comes.
//!
//! Plain values need no drop, and nobody looks for them. Their slots in limbo may be on a list
//! already, so there the batches must be asked how many wait.
//!
//! Walkers and batches must not drop the same value. A walker raises a flag, waits for those who are
//! inside a batch, takes the values out, lowers the flag and drops them; who comes to a batch and
//! finds the flag leaves it for later, without waiting. Flag and look on either side have a SeqCst
//! fence between them (edge "walk"), so one of the two sees the other.

use super::body::Inner;
use crate::{
    config::{batch_limit, LAST_GENERATION},
    epoch::{self, is_dropping, while_dropping, Guard, Ticket},
    error::QuiesceError,
    handle::Handle,
    reclaim::Drops,
    shard::Shard,
    slots::{Phase, Slot, SlotLayout},
    stats::Stats,
    sync::{Backoff, Ordering},
};

/// Slots that [`Core::for_each_live`] looks at before it lets reclamation go on.
const SLOTS_PER_PIN: usize = 64;

/// What became of doomed values: some were dropped here, others perhaps by other walkers, who may
/// not have ended.
#[derive(Default)]
struct Dropped {
    any_here: bool,
    elsewhere: Vec<Drops>,
}

impl Dropped {
    fn wait(self) {
        self.elsewhere.into_iter().for_each(Drops::wait);
    }
}

/// A slot that was seen in limbo, with the generation it was deleted in.
pub(crate) type Swept<'c, T> = (Slot<'c, T>, usize);

impl<T> Inner<T> {
    /// Whether walkers look for deleted values. Not for plain ones: those need no drop, and their
    /// slots in limbo may be on their owners' lists, about to be issued.
    const SWEPT: bool = !SlotLayout::<T>::TRIVIAL;

    fn slots(&self) -> impl Iterator<Item = Slot<'_, T>> {
        let all = |shard| Shard::slots(shard, &self.segments, 0).map(|(_, slot)| slot);
        self.shards.iter().flat_map(all)
    }

    /// Drops what can be dropped now: everything deleted so far, if nobody is reading.
    pub(crate) fn flush(&self) {
        if is_dropping() {
            return;
        }
        let (swept, grace) = self.limbo_snapshot();
        let over = grace.advance_patiently();
        self.reclaim_all();
        if over {
            self.drop_swept(&swept).wait();
        }
    }

    fn reclaim_all(&self) {
        for shard in &self.shards {
            self.reclaim(shard, usize::MAX);
        }
    }

    /// Waits until everything deleted before the call has been dropped.
    pub(crate) fn quiesce(&self) -> Result<(), QuiesceError> {
        if is_dropping() {
            return Err(QuiesceError::InsideDrop);
        }
        match epoch::is_pinned() {
            Some(false) => {}
            Some(true) => return Err(QuiesceError::Pinned),
            None => return Err(QuiesceError::ThreadEnding),
        }
        let (swept, grace) = self.limbo_snapshot();
        let mut backoff = Backoff::new();
        while !grace.advance_patiently() {
            backoff.wait();
        }
        self.drop_swept(&swept).wait();
        // Their batches, or those slots would not be used again where no batch is ever filled. In models a batch is one
        // slot, and the next delete comes for it.
        if !cfg!(loom) || !Self::SWEPT {
            self.reclaim_all();
        }
        Ok(())
    }

    /// Deletes `handle`, if it is valid, and drops its value before it returns if nobody is
    /// reading.
    pub(crate) fn delete_now(&self, handle: Handle) -> Option<()> {
        let deleted = self.delete(handle)?;
        // A thread that is pinned itself would wait in vain.
        if is_dropping() || epoch::is_pinned() == Some(true) {
            return Some(());
        }
        if Ticket::take().advance_patiently() {
            let dropped = self.drop_swept(&[deleted]);
            // If not here, then another walker has it, perhaps in its hands still.
            if !dropped.any_here {
                dropped.wait();
            }
        }
        Some(())
    }

    /// All slots in limbo, and a grace period that begins after their deletion.
    fn limbo_snapshot<'c>(&'c self) -> (Vec<Swept<'c, T>>, Ticket) {
        self.seal(&self.access());
        let in_limbo = |slot: Slot<'c, T>| {
            let state = slot.state().load();
            (state.phase() == Phase::Limbo).then_some((slot, state.generation()))
        };
        let slots = Self::SWEPT.then(|| self.slots());
        let swept = slots.into_iter().flatten().filter_map(in_limbo).collect();
        (swept, Ticket::take())
    }

    /// Drops the values of slots whose grace period is over, those that no batch has dropped yet,
    /// after all drops that were under way in batches.
    fn drop_swept(&self, swept: &[Swept<'_, T>]) -> Dropped {
        let mut dropped = Dropped::default();
        if !Self::SWEPT {
            return dropped;
        }
        // A batch's worth at a time, which bounds what is taken out; and none once, to wait.
        let mut chunks = swept.chunks(batch_limit::<T>());
        let mut chunk = chunks.next().unwrap_or(&[]);
        loop {
            let (values, mine, others) = self.take_swept(chunk);
            dropped.any_here |= !values.is_empty();
            dropped.elsewhere.extend(others);
            while_dropping(|| mine.run(values, |value| self.catch_drop_panic(|| drop(value))));
            match chunks.next() {
                Some(next) => chunk = next,
                None => return dropped,
            }
        }
    }

    /// Takes values out under the flag, and leaves their drops for afterwards, so that batches
    /// wait for no user code of a walker's. Returns the drops that others have begun, too.
    fn take_swept(&self, swept: &[Swept<'_, T>]) -> (Vec<Box<T>>, Drops, Vec<Drops>) {
        let guard = self.sweep_lock.lock();
        let mut backoff = Backoff::new();
        for shard in &self.shards {
            while shard.is_busy() {
                backoff.wait();
            }
        }
        let take = |&(slot, generation): &Swept<'_, T>| {
            let mine = slot.state().try_vacate_in_place(generation);
            // SAFETY: its grace period is over, and the flag keeps batches and other walkers away.
            mine.then(|| unsafe { slot.take() })
        };
        let values = swept.iter().filter_map(take).collect();
        let (mine, others) = guard.begin_drop();
        (values, mine, others)
    }

    /// The next live slot from `from` on, as shard and slot number: its handle, its value, and
    /// where to go on.
    pub(crate) fn next_live<'g>(
        &'g self,
        from: Place,
        guard: &'g Guard,
    ) -> Option<(Handle, &'g T, Place)> {
        let Place(mut shard, mut first) = from;
        while let Some(found) = self.shards.get(shard) {
            for (number, slot) in found.slots(&self.segments, first) {
                if let Some(handle) = self.handle_of(slot.state().load()) {
                    // SAFETY: the state was live, and `guard` is pinned.
                    let value = unsafe { slot.value_ref(guard) };
                    return Some((handle, value, Place(shard, number + 1)));
                }
            }
            (shard, first) = (shard + 1, 0);
        }
        None
    }

    /// Calls `f` with every live handle and its value, repinning now and then.
    pub(crate) fn for_each_live(&self, mut f: impl FnMut(Handle, &T)) {
        let mut guard = epoch::pin();
        for shard in &self.shards {
            for (number, slot) in shard.slots(&self.segments, 0) {
                if let Some(handle) = self.handle_of(slot.state().load()) {
                    // SAFETY: the state was live, and `guard` is pinned.
                    f(handle, unsafe { slot.value_ref(&guard) });
                }
                if number % SLOTS_PER_PIN == SLOTS_PER_PIN - 1 {
                    guard.repin();
                }
            }
        }
    }

    /// Handles issued and not deleted.
    pub(crate) fn len(&self) -> usize {
        // Deleted first: a handle that is counted there was issued before.
        let deleted: usize = sum(&self.shards, Shard::deleted);
        let issued: usize = sum(&self.shards, Shard::issued);
        usize::try_from(issued.wrapping_sub(deleted) as isize).unwrap_or(0)
    }

    /// What there is, by a walk over all slots.
    pub(crate) fn stats(&self) -> Stats {
        let mut stats = Stats {
            shards: self.shards.len(),
            // edge: none. A count.
            drop_panics: self.drop_panics.load(Ordering::Relaxed),
            bytes: size_of::<Self>() + size_of_val(&*self.shards) + self.segments.bytes(),
            ..Stats::default()
        };
        for slot in self.slots() {
            let state = slot.state().load();
            match state.phase() {
                Phase::Live => stats.live += 1,
                // Nothing is left to be done, so it is retired already.
                Phase::Limbo if !Self::SWEPT && state.generation() == LAST_GENERATION => {
                    stats.exhausted += 1;
                }
                Phase::Limbo => stats.pending += 1,
                // Used up, but not taken off its list yet.
                Phase::Vacant if state.generation() > LAST_GENERATION => stats.exhausted += 1,
                Phase::Vacant => stats.vacant += 1,
                Phase::Exhausted => stats.exhausted += 1,
            }
        }
        if !Self::SWEPT {
            // The others in limbo are as good as vacant.
            let waiting = sum(&self.shards, |shard| shard.sealed().waiting());
            let waiting = waiting.min(stats.pending);
            stats.vacant += stats.pending - waiting;
            stats.pending = waiting;
        }
        stats.bytes += (stats.live + stats.pending) * SlotLayout::<T>::BOX_BYTES;
        stats
    }
}

/// Where an iteration stands: shard, and the next slot of it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place(usize, usize);

fn sum<T>(shards: &[Shard<T>], of: impl Fn(&Shard<T>) -> usize) -> usize {
    shards.iter().map(of).fold(0, usize::wrapping_add)
}

impl<T> Drop for Inner<T> {
    /// Drops every value in the table, deleted ones that still wait included.
    fn drop(&mut self) {
        let this = &*self;
        while_dropping(|| {
            for slot in this.slots() {
                if let Phase::Live | Phase::Limbo = slot.state().load_own().phase() {
                    // SAFETY: `&mut self`: no reader, no owner and no walker is left.
                    this.catch_drop_panic(|| unsafe { slot.drop_value() });
                }
            }
        });
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn insert<T>(inner: &Inner<T>, value: T) -> Handle {
        match inner.insert_slow(value) {
            Ok(handle) => handle,
            Err(_) => panic!("there is room"),
        }
    }

    #[test]
    fn plain_values_wait_for_no_walker() -> Result<(), QuiesceError> {
        let inner = Inner::new(4, usize::MAX);
        let handles = [0; 3].map(|number| insert(&inner, number));
        let _guard = inner.sweep_lock.lock();
        assert!(inner.delete(handles[0]).is_some());
        inner.flush();
        assert!(inner.delete(handles[1]).is_some());
        inner.quiesce()?;
        assert!(inner.delete_now(handles[2]).is_some());
        assert_eq!((inner.len(), inner.stats().live), (0, 0));
        Ok(())
    }

    #[test]
    fn a_slot_is_retired_when_its_last_handle_is_deleted() {
        use_up(|| 7, |inner| assert_eq!(inner.quiesce(), Ok(())));
        // Values with a drop: the batch drops them here, where `quiesce` would.
        let reclaim = |inner: &Inner<String>| {
            let grace = Ticket::take();
            while !grace.advance_patiently() {}
            inner.reclaim_all();
        };
        use_up(|| String::from("seven"), reclaim);
    }

    fn use_up<T>(make: impl Fn() -> T, come_back: impl Fn(&Inner<T>)) {
        let inner = Inner::new(4, usize::MAX);
        // Full batches, so that they come back whole.
        let slots = batch_limit::<T>();
        for _ in 0..=LAST_GENERATION {
            assert_eq!(inner.stats().exhausted, 0);
            let handles: Vec<_> = (0..slots).map(|_| insert(&inner, make())).collect();
            for handle in handles {
                assert!(inner.delete(handle).is_some());
            }
            come_back(&inner);
        }
        let stats = inner.stats();
        assert_eq!((stats.exhausted, stats.pending), (slots, 0), "{stats}");
        insert(&inner, make());
        assert_eq!(inner.stats().exhausted, slots);
    }
}
