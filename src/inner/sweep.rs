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

use super::body::Core;
use crate::{
    config::{batch_limit, LAST_GENERATION},
    epoch::{self, is_dropping, while_dropping, Guard, Ticket},
    error::QuiesceError,
    handle::Handle,
    reclaim::Drops,
    shard::Shard,
    slots::{Phase, Room, Stride},
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
pub(crate) type Doomed<'c, T> = (Room<'c, T>, usize);

impl<T> Core<T> {
    /// Whether walkers look for deleted values. Not for plain ones: those need no drop, and their
    /// slots in limbo may be on their owners' lists, about to be issued.
    const WALKED: bool = !Stride::<T>::PLAIN;

    fn slots(&self) -> impl Iterator<Item = Room<'_, T>> {
        let all = |shard| Shard::slots(shard, &self.segments, 0).map(|(_, room)| room);
        self.shards.iter().flat_map(all)
    }

    /// Drops what can be dropped now: everything deleted so far, if nobody is reading.
    pub(crate) fn flush(&self) {
        if is_dropping() {
            return;
        }
        let (doomed, grace) = self.doom();
        let over = grace.help();
        self.reclaim_all();
        if over {
            self.drop_doomed(&doomed).wait();
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
        let (doomed, grace) = self.doom();
        let mut backoff = Backoff::new();
        while !grace.help() {
            backoff.wait();
        }
        self.drop_doomed(&doomed).wait();
        // Their batches, or those slots would not be used again where no batch is ever filled. In models a batch is one
        // slot, and the next delete comes for it.
        if !cfg!(loom) || !Self::WALKED {
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
        if Ticket::take().help() {
            let dropped = self.drop_doomed(&[deleted]);
            // If not here, then another walker has it, perhaps in its hands still.
            if !dropped.any_here {
                dropped.wait();
            }
        }
        Some(())
    }

    /// All slots in limbo, and a grace period that begins after their deletion.
    fn doom<'c>(&'c self) -> (Vec<Doomed<'c, T>>, Ticket) {
        self.seal(&self.seat());
        let in_limbo = |room: Room<'c, T>| {
            let state = room.slot().state();
            (state.phase() == Phase::Limbo).then_some((room, state.generation()))
        };
        let slots = Self::WALKED.then(|| self.slots());
        let doomed = slots.into_iter().flatten().filter_map(in_limbo).collect();
        (doomed, Ticket::take())
    }

    /// Drops the values of slots whose grace period is over, those that no batch has dropped yet,
    /// after all drops that were under way in batches.
    fn drop_doomed(&self, doomed: &[Doomed<'_, T>]) -> Dropped {
        let mut dropped = Dropped::default();
        if !Self::WALKED {
            return dropped;
        }
        // A batch's worth at a time, which bounds what is taken out; and none once, to wait.
        let mut chunks = doomed.chunks(batch_limit::<T>());
        let mut chunk = chunks.next().unwrap_or(&[]);
        loop {
            let (values, mine, others) = self.take_doomed(chunk);
            dropped.any_here |= !values.is_empty();
            dropped.elsewhere.extend(others);
            while_dropping(|| mine.run(values, |value| self.contain(|| drop(value))));
            match chunks.next() {
                Some(next) => chunk = next,
                None => return dropped,
            }
        }
    }

    /// Takes values out under the flag, and leaves their drops for afterwards, so that batches
    /// wait for no user code of a walker's. Returns the drops that others have begun, too.
    fn take_doomed(&self, doomed: &[Doomed<'_, T>]) -> (Vec<Box<T>>, Drops, Vec<Drops>) {
        let walk = self.walkers.raise_flag();
        let mut backoff = Backoff::new();
        for shard in &self.shards {
            while shard.is_busy() {
                backoff.wait();
            }
        }
        let take = |&(room, generation): &Doomed<'_, T>| {
            let mine = room.slot().hollow(generation);
            // SAFETY: its grace period is over, and the flag keeps batches and other walkers away.
            mine.then(|| unsafe { room.take() })
        };
        let values = doomed.iter().filter_map(take).collect();
        let (mine, others) = walk.begin_drop();
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
            for (number, room) in found.slots(&self.segments, first) {
                if let Some(handle) = self.handle_of(room.slot().state()) {
                    // SAFETY: the state was live, and `guard` is pinned.
                    let value = unsafe { room.deref(guard) };
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
            for (number, room) in shard.slots(&self.segments, 0) {
                if let Some(handle) = self.handle_of(room.slot().state()) {
                    // SAFETY: the state was live, and `guard` is pinned.
                    f(handle, unsafe { room.deref(&guard) });
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
        for room in self.slots() {
            let state = room.slot().state();
            match state.phase() {
                Phase::Live => stats.live += 1,
                // Nothing is left to be done, so it is retired already.
                Phase::Limbo if !Self::WALKED && state.generation() == LAST_GENERATION => {
                    stats.retired += 1;
                }
                Phase::Limbo => stats.pending += 1,
                // Used up, but not taken off its list yet.
                Phase::Vacant if state.generation() > LAST_GENERATION => stats.retired += 1,
                Phase::Vacant => stats.vacant += 1,
                Phase::Retired => stats.retired += 1,
            }
        }
        if !Self::WALKED {
            // The others in limbo are as good as vacant.
            let waiting = sum(&self.shards, |shard| shard.sealed().waiting());
            let waiting = waiting.min(stats.pending);
            stats.vacant += stats.pending - waiting;
            stats.pending = waiting;
        }
        stats.bytes += (stats.live + stats.pending) * Stride::<T>::BOX_BYTES;
        stats
    }
}

/// Where an iteration stands: shard, and the next slot of it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place(usize, usize);

fn sum<T>(shards: &[Shard<T>], of: impl Fn(&Shard<T>) -> usize) -> usize {
    shards.iter().map(of).fold(0, usize::wrapping_add)
}

impl<T> Drop for Core<T> {
    /// Drops every value in the table, deleted ones that still wait included.
    fn drop(&mut self) {
        let this = &*self;
        while_dropping(|| {
            for room in this.slots() {
                if let Phase::Live | Phase::Limbo = room.slot().own_state().phase() {
                    // SAFETY: `&mut self`: no reader, no owner and no walker is left.
                    this.contain(|| unsafe { room.drop_value() });
                }
            }
        });
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn insert<T>(core: &Core<T>, value: T) -> Handle {
        match core.insert_slowly(value) {
            Ok(handle) => handle,
            Err(_) => panic!("there is room"),
        }
    }

    #[test]
    fn plain_values_wait_for_no_walker() -> Result<(), QuiesceError> {
        let core = Core::new(4, usize::MAX);
        let handles = [0; 3].map(|number| insert(&core, number));
        let _walk = core.walkers.raise_flag();
        assert!(core.delete(handles[0]).is_some());
        core.flush();
        assert!(core.delete(handles[1]).is_some());
        core.quiesce()?;
        assert!(core.delete_now(handles[2]).is_some());
        assert_eq!((core.len(), core.stats().live), (0, 0));
        Ok(())
    }

    #[test]
    fn a_slot_is_retired_when_its_last_handle_is_deleted() {
        use_up(|| 7, |core| assert_eq!(core.quiesce(), Ok(())));
        // Values with a drop: the batch drops them here, where `quiesce` would.
        let reclaim = |core: &Core<String>| {
            let grace = Ticket::take();
            while !grace.help() {}
            core.reclaim_all();
        };
        use_up(|| String::from("seven"), reclaim);
    }

    fn use_up<T>(make: impl Fn() -> T, come_back: impl Fn(&Core<T>)) {
        let core = Core::new(4, usize::MAX);
        // Full batches, so that they come back whole.
        let slots = batch_limit::<T>();
        for _ in 0..=LAST_GENERATION {
            assert_eq!(core.stats().retired, 0);
            let handles: Vec<_> = (0..slots).map(|_| insert(&core, make())).collect();
            for handle in handles {
                assert!(core.delete(handle).is_some());
            }
            come_back(&core);
        }
        let stats = core.stats();
        assert_eq!((stats.retired, stats.pending), (slots, 0), "{stats}");
        insert(&core, make());
        assert_eq!(core.stats().retired, slots);
    }
}
