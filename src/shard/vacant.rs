//! The vacant slots of a shard that its owner does not have. All threads put some in and take some
//! out.

use super::lists::{Chain, VacantStack};
use crate::{
    config::FREED_BATCH,
    epoch::Ticket,
    reclaim::{Batch, BatchStack, SlotList},
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
    /// How often a thread has begun to take a list, of which it puts most back.
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

    /// Whether it looks empty. A hint.
    pub(crate) fn is_empty(&self) -> bool {
        self.spare.is_empty() && self.stack.is_empty()
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
            self.while_taking(|| self.pop_spare(slots))
        })
    }

    /// Takes the first slot of the spare batches that has a generation left. The others stay in
    /// their batch: if they went to the stack, which may have had them before, its head could
    /// return.
    fn pop_spare<'s, T>(&self, slots: &'s SlotArray<T>) -> Option<(Index, Slot<'s, T>, State)> {
        loop {
            let mut batch = self.spare.take_one()?;
            let mut next = Some(batch.slots().first);
            let popped = pop_first(slots, &mut next);
            if let Some(rest) = next {
                batch.begin_at(rest);
                self.leave(batch);
            }
            if popped.is_some() {
                return popped;
            }
        }
    }

    /// Takes slots out, about as many as a batch has.
    pub(crate) fn take<T>(&self, slots: &SlotArray<T>) -> Option<SlotList> {
        if self.is_empty() {
            return None;
        }
        self.while_taking(|| {
            let list = match self.spare.take_one() {
                Some(batch) => batch.slots(),
                None => SlotList::free(self.stack.take()?, SlotList::MANY),
            };
            let (list, rest) = split(slots, list);
            if let Some(rest) = rest {
                self.leave(Batch::new(rest, Ticket::past()));
            }
            Some(list)
        })
    }

    /// Runs `take`, which takes a list and puts most of it back. Meanwhile other threads find none
    /// of its slots; [`begun`](Self::begun) tells them why.
    fn while_taking<R>(&self, take: impl FnOnce() -> R) -> R {
        // edge: none. A hint: a thread that misses it finds the table full too early.
        self.begun.fetch_add(1, Ordering::Relaxed);
        let taken = take();
        // edge: none. A hint: a thread that misses it looks for slots once more.
        self.done.fetch_add(1, Ordering::Relaxed);
        taken
    }

    /// How often a thread has begun to take a list, of which it puts most back.
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
