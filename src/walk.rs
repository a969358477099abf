//! Walks over all slots, for what the lists can't tell: what idle and ended threads have left
//! behind, what is live, what there is in all.
//!
//! The slots are the truth, and lists are only hints. A deleted slot waits in a batch that belongs
//! to one thread, perhaps for ever. A walker finds it all the same, by its state, and after a grace
//! period drops its value; the slot stays in its batch, empty, until its owner comes.
//!
//! Walkers and batches must not drop the same value. A walker raises a flag, waits for those who are
//! inside a batch, takes the values out, lowers the flag and drops them; who comes to a batch and
//! finds the flag leaves it for later, without waiting. Flag and look on either side have a SeqCst
//! fence between them (edge "walk"), so one of the two sees the other.

use crate::{
    core::Core,
    error::{HandleError, QuiesceError},
    handle::Handle,
    layout::Phase,
    owner::Owner,
    reclaim::{Backoff, Grace},
    retire::OnDrop,
    room::{self, Stride},
    shard::Shard,
    slot::Slot,
    stats::Stats,
    sync::{fence, Ordering},
    thread::{self, is_dropping, while_dropping, Guard},
};

/// Slots that [`Core::for_each_live`] looks at before it lets reclamation go on.
const SLOTS_PER_PIN: usize = 64;

/// A slot that was seen in limbo, with the generation it was deleted in.
type Doomed<'c, T> = (&'c Slot<T>, usize);

impl<T> Core<T> {
    fn slots(&self) -> impl Iterator<Item = &Slot<T>> {
        let all = |shard| Shard::slots(shard, 0).map(|(_, slot)| slot);
        self.shards.iter().flat_map(all)
    }

    /// Drops what can be dropped now: everything deleted so far, if nobody is reading.
    pub(crate) fn flush(&self) {
        if is_dropping() {
            return;
        }
        let (doomed, grace) = self.doom();
        let over = grace.help();
        for shard in &self.shards {
            self.reclaim(shard);
        }
        if over {
            self.drop_doomed(&doomed);
        }
    }

    /// Waits until everything deleted before the call has been dropped.
    pub(crate) fn quiesce(&self) -> Result<(), QuiesceError> {
        if is_dropping() {
            return Err(QuiesceError::InsideDrop);
        }
        match thread::is_pinned() {
            Some(false) => {}
            Some(true) => return Err(QuiesceError::Pinned),
            None => return Err(QuiesceError::ThreadEnding),
        }
        let (doomed, grace) = self.doom();
        let mut backoff = Backoff::new();
        while !grace.help() {
            backoff.wait();
        }
        self.drop_doomed(&doomed);
        self.wait_for_walkers();
        Ok(())
    }

    /// Deletes `handle`, and drops its value before it returns if nobody is reading.
    pub(crate) fn delete_now(&self, handle: Handle) -> Result<(), HandleError> {
        let slot = self.delete(handle)?;
        // A thread that is pinned itself would wait in vain.
        if is_dropping() || thread::is_pinned() == Some(true) {
            return Ok(());
        }
        let (word, _) = self.find(handle)?;
        if Grace::start().help() && !self.drop_doomed(&[(slot, word.word().generation())]) {
            // Another walker has it, perhaps in its hands still.
            self.wait_for_walkers();
        }
        Ok(())
    }

    /// All slots in limbo, and a grace period that begins after their deletion.
    fn doom(&self) -> (Vec<Doomed<'_, T>>, Grace) {
        self.seal(&self.seat());
        let in_limbo = |slot| {
            let state = Slot::state(slot);
            (state.phase() == Phase::Limbo).then_some((slot, state.generation()))
        };
        let doomed = self.slots().filter_map(in_limbo).collect();
        (doomed, Grace::start())
    }

    /// Drops the values of slots whose grace period is over, those that no batch has dropped yet,
    /// after all drops that were under way in batches. Says whether there was any.
    fn drop_doomed(&self, doomed: &[Doomed<'_, T>]) -> bool {
        // A batch's worth at a time, which bounds what is taken out; and none once, to wait.
        let mut chunks = doomed.chunks(Owner::<T>::BATCH);
        let first = self.drop_some(chunks.next().unwrap_or(&[]));
        chunks.fold(first, |any, chunk| self.drop_some(chunk) | any)
    }

    fn drop_some(&self, doomed: &[Doomed<'_, T>]) -> bool {
        let mut taken = Vec::with_capacity(doomed.len());
        self.take_doomed(doomed, &mut taken);
        // edge: walk. These drops come before what those do who wait for them.
        let _done = OnDrop(|| _ = self.dropping.fetch_sub(1, Ordering::Release));
        let any = !taken.is_empty();
        while_dropping(|| {
            for value in taken {
                self.contain(|| drop(value));
            }
        });
        any
    }

    /// Takes the values out under the flag, and leaves their drops for afterwards: batches wait
    /// for no user code of a walker's.
    fn take_doomed(&self, doomed: &[Doomed<'_, T>], taken: &mut Vec<T>) {
        let mut backoff = Backoff::new();
        // edge: walk. After what the last walker did.
        while self
            .walkers
            .compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed)
            .is_err()
        {
            backoff.wait();
        }
        // edge: walk. What this walker did comes before the next batch.
        let _lower = OnDrop(|| self.walkers.store(0, Ordering::Release));
        // edge: walk. The fence between our flag and our look; `Shard::enter` has its twin.
        fence(Ordering::SeqCst);
        for shard in &self.shards {
            while shard.is_busy() {
                backoff.wait();
            }
        }
        // edge: walk. Whoever finds our values taken finds this count.
        self.dropping.fetch_add(1, Ordering::Relaxed);
        for &(slot, generation) in doomed {
            let state = slot.own_state();
            if state.phase() == Phase::Limbo && state.generation() == generation {
                // SAFETY: the flag is up and no batch is being dropped.
                if let Some(value) = unsafe { slot.take() } {
                    // SAFETY: its grace period is over, and the slot has forgotten the value.
                    taken.push(unsafe { room::take(value) });
                }
            }
        }
    }

    /// Waits until no walker is dropping values.
    fn wait_for_walkers(&self) {
        let mut backoff = Backoff::new();
        // edge: walk. After the drops of those who were.
        while self.dropping.load(Ordering::Acquire) != 0 {
            backoff.wait();
        }
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
            for (number, slot) in found.slots(first) {
                if let Some(handle) = self.handle_of(slot.state()) {
                    // SAFETY: the state was live, and `guard` is pinned.
                    let value = unsafe { slot.deref(guard) };
                    return Some((handle, value, Place(shard, number + 1)));
                }
            }
            (shard, first) = (shard + 1, 0);
        }
        None
    }

    /// Calls `f` with every live handle and its value, repinning now and then.
    pub(crate) fn for_each_live(&self, mut f: impl FnMut(Handle, &T)) {
        let mut guard = thread::pin();
        for shard in &self.shards {
            for (number, slot) in shard.slots(0) {
                if let Some(handle) = self.handle_of(slot.state()) {
                    // SAFETY: the state was live, and `guard` is pinned.
                    f(handle, unsafe { slot.deref(&guard) });
                }
                if number % SLOTS_PER_PIN == SLOTS_PER_PIN - 1 {
                    thread::repin(&mut guard);
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
            bytes: size_of::<Self>() + sum(&self.shards, Shard::bytes),
            ..Stats::default()
        };
        for slot in self.slots() {
            match slot.state().phase() {
                Phase::Live => stats.live += 1,
                Phase::Limbo if slot.holds_value() => stats.pending += 1,
                Phase::Limbo | Phase::Vacant => stats.vacant += 1,
                Phase::Retired => stats.retired += 1,
            }
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
            for slot in this.slots() {
                // SAFETY: `&mut self`: no reader, no owner and no walker is left.
                if let Some(value) = unsafe { slot.take_any() } {
                    // SAFETY: as above, and the slot has forgotten the value.
                    unsafe { this.drop_value(value) };
                }
            }
        });
    }
}
