//! The vacant slots of a shard that its owner does not have. All threads put some in and take some
//! out.

use super::lists::{Chain, VacantStack};
use crate::{
    config::FREED_BATCH,
    epoch::Ticket,
    reclaim::{Batch, BatchList, BatchStack, SlotList},
    slots::{Index, Link, Slot, SlotArray, State},
    sync::{AtomicUsize, Ordering},
};

/// Vacant slots for whoever needs some. Every `SlotArray` that the methods take is that of the
/// shard's table.
#[derive(Debug)]
pub(crate) struct VacantSlots {
    /// Slots of this shard.
    stack: VacantStack,
    /// Batches of slots, of any shard, that its owner has too many of.
    spare: BatchStack,
    /// How often a thread has begun to take slots, of which it puts most back.
    begun: AtomicUsize,
    /// How often that was done.
    done: AtomicUsize,
}

impl VacantSlots {
    pub(super) fn new() -> Self {
        Self {
            stack: VacantStack::new(),
            spare: BatchStack::new(),
            begun: AtomicUsize::new(0),
            done: AtomicUsize::new(0),
        }
    }

    /// Adds slots of this shard.
    pub(crate) fn push(&self, chain: &Chain<'_>) {
        self.stack.push(chain);
    }

    /// Leaves a batch of slots, of any shard, to whoever needs some.
    pub(super) fn leave(&self, batch: Box<Batch>) {
        self.spare.push(batch);
    }

    /// Takes one slot out, with the state to publish from: vacant, with a generation left. A
    /// trivial value's slot may still be in limbo of the generation before.
    pub(super) fn pop<'s, T>(
        &self,
        slots: &'s SlotArray<T>,
    ) -> Option<(Index, Slot<'s, T>, State)> {
        self.stack.pop(slots).or_else(|| {
            if self.spare.is_empty() {
                return None;
            }
            let mut used_up = BatchList::new();
            self.while_taking(|| self.pop_spare(slots, &mut used_up))
        })
    }

    /// Takes the first slot of the spare batches that has a generation left. The others stay in
    /// their batch: if they went to the stack, which may have had them before, its head could
    /// return. Batches without a slot go to `used_up`.
    fn pop_spare<'s, T>(
        &self,
        slots: &'s SlotArray<T>,
        used_up: &mut BatchList,
    ) -> Option<(Index, Slot<'s, T>, State)> {
        loop {
            let mut batch = self.spare.take_one()?;
            let mut next = Some(batch.slots().first);
            let popped = pop_first(slots, &mut next);
            match next {
                Some(rest) => {
                    batch.set_slots(SlotList { first: rest, ..batch.slots() });
                    self.leave(batch);
                }
                None => used_up.push(batch),
            }
            if popped.is_some() {
                return popped;
            }
        }
    }

    /// Takes slots out, about as many as a batch has. If a box is left over, the caller frees it
    /// once the allocator may find the slots.
    pub(crate) fn take<T>(&self, slots: &SlotArray<T>) -> Option<(SlotList, Option<Box<Batch>>)> {
        self.take_spare(slots).or_else(|| self.take_stack(slots))
    }

    fn take_spare<T>(&self, slots: &SlotArray<T>) -> Option<(SlotList, Option<Box<Batch>>)> {
        if self.spare.is_empty() {
            return None;
        }
        let mut batch = None;
        let list = self.while_taking(|| {
            let list = batch.insert(self.spare.take_one()?).slots();
            Some(self.leave_rest(split(slots, list), &mut batch))
        })?;
        Some((list, batch))
    }

    fn take_stack<T>(&self, slots: &SlotArray<T>) -> Option<(SlotList, Option<Box<Batch>>)> {
        // For the rest.
        let mut batch = Some(Batch::new(SlotList::free(self.stack.top()?, 1), Ticket::past()));
        let list = self.while_taking(|| {
            let list = SlotList::free(self.stack.take()?, SlotList::MANY);
            Some(self.leave_rest(split(slots, list), &mut batch))
        })?;
        Some((list, batch))
    }

    /// Leaves the rest of a list in the batch, if there is one.
    fn leave_rest(
        &self,
        (list, rest): (SlotList, Option<SlotList>),
        batch: &mut Option<Box<Batch>>,
    ) -> SlotList {
        if let Some(rest) = rest {
            if let Some(mut batch) = batch.take() {
                batch.set_slots(rest);
                self.leave(batch);
            }
        }
        list
    }

    /// Runs `take`, which takes slots and puts most of them back. Meanwhile other threads find none
    /// of them; [`begun`](Self::begun) tells them why. Not even the allocator may run in it: it
    /// could insert, and would wait for its own thread.
    pub(crate) fn while_taking<R>(&self, take: impl FnOnce() -> R) -> R {
        // edge: none. A hint: a thread that misses it finds the table full too early.
        self.begun.fetch_add(1, Ordering::Relaxed);
        let taken = take();
        // edge: none. A hint: a thread that misses it looks for slots once more.
        self.done.fetch_add(1, Ordering::Relaxed);
        taken
    }

    /// How often a thread has begun to take slots, of which it puts most back.
    pub(crate) fn begun(&self) -> usize {
        // edge: none. A hint: a thread that misses it finds the table full too early.
        self.begun.load(Ordering::Relaxed)
    }

    /// How often that was done: as often as [`begun`](Self::begun) if no thread is about it.
    pub(crate) fn done(&self) -> usize {
        // edge: none. A hint: a thread that misses it looks for slots once more.
        self.done.load(Ordering::Relaxed)
    }
}

/// Takes the first slot with a generation left off a list, and moves `next` behind it. Marks those
/// before it as exhausted.
fn pop_first<'s, T>(
    slots: &'s SlotArray<T>,
    next: &mut Option<Index>,
) -> Option<(Index, Slot<'s, T>, State)> {
    while let Some(index) = *next {
        // SAFETY: the slot was used before, and reached this thread through its list.
        let slot = unsafe { slots.directory().known(index) };
        let state = slot.state().load_own();
        *next = state.link().next();
        // A trivial value's slot may still be in limbo, see `SlotLayout::TRIVIAL`.
        let vacant = state.vacated();
        if vacant.is_issuable() {
            return Some((index, slot, vacant));
        }
        slot.state().vacate(vacant.generation(), Link::END);
    }
    None
}

/// Splits a list of free slots: into as many as make a batch, and the rest.
pub(super) fn split<T>(slots: &SlotArray<T>, list: SlotList) -> (SlotList, Option<SlotList>) {
    if list.len <= FREED_BATCH {
        return (list, None);
    }
    // SAFETY: the slot was used before, and reached this thread through its list.
    let state = |index| unsafe { slots.directory().known(index) }.state();
    let batch = SlotList::free(list.first, FREED_BATCH);
    let mut last = list.first;
    for _ in 1..FREED_BATCH {
        match state(last).load_own().link().next() {
            Some(next) => last = next,
            None => return (batch, None),
        }
    }
    let free = state(last).load_own();
    let rest = free.link().next().map(|rest| {
        state(last).relink(free, Link::END);
        SlotList::free(rest, list.len - FREED_BATCH)
    });
    (batch, rest)
}
