//! The lists of a shard that any thread may use: a stack of vacant slots and a pile of deleted
//! ones, both linked through the slots' own state words.
//!
//! **Algorithm**: Treiber stacks. **Collision**: the loser of a compare-exchange links anew.
//! **ABA**: the vacant stack's top carries the slot's generation, which never comes back; the pile
//! is only pushed, and taken whole, so a head that came back is as good as the same one.
//! **Orderings**: edge "recycle": whoever pushes hands the slot over with all that it did to it.

use crate::{
    slots::{AtomicState, CountedHead, Index, Link, Slot, SlotArray, State, TaggedHead},
    sync::{AtomicUsize, Ordering},
};

/// Vacant slots of one shard: pushed by any thread, taken whole by the shard's owner, popped by
/// threads that own none.
#[derive(Debug)]
pub(crate) struct VacantStack {
    /// A [`Top`].
    top: AtomicUsize,
}

impl VacantStack {
    pub(crate) fn new() -> Self {
        Self {
            top: AtomicUsize::new(TaggedHead::EMPTY.bits()),
        }
    }

    /// Pushes a chain of slots, all at once.
    pub(crate) fn push(&self, chain: &Chain<'_>) {
        // edge: none. The compare-exchange checks it.
        let mut top = TaggedHead::from_bits(self.top.load(Ordering::Relaxed));
        loop {
            let (state, generation) = chain.last;
            state.vacate(generation, top.link());
            // edge: recycle. States and links of the slots, and the last uses of them, before the
            // top.
            match self.top.compare_exchange_weak(
                top.bits(),
                chain.first.bits(),
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(_) => return,
                Err(now) => top = TaggedHead::from_bits(now),
            }
        }
    }

    /// Takes all of it, as a list through the slots' links.
    pub(crate) fn take(&self) -> Option<Index> {
        // edge: recycle. After what those who pushed did.
        let top = self.top.swap(TaggedHead::EMPTY.bits(), Ordering::Acquire);
        TaggedHead::from_bits(top).index()
    }

    /// Pops one slot, with the state it was pushed in.
    pub(crate) fn pop<'s, T>(
        &self,
        segments: &'s SlotArray<T>,
    ) -> Option<(Index, Slot<'s, T>, State)> {
        // edge: recycle. State and link of the top slot before the top that names it.
        let mut top = TaggedHead::from_bits(self.top.load(Ordering::Acquire));
        loop {
            let index = top.index()?;
            let slot = segments.get(index)?;
            let state = slot.state().load_own();
            // If another thread has popped the slot since, then its state may be anything, and what
            // is made of it here too: the exchange fails, and says what the top is instead. If the
            // top is the same, generation included, then the slot was on top all along and the
            // next one right below it: link and generation are right.
            let next = state.link().next();
            let below = next.and_then(|next| {
                Some(TaggedHead::of(segments.get(next)?.state().load_own(), next))
            });
            // edge: recycle. On failure for the next round; on success the load above has done
            // it, and this exchange stays in the release sequence of the pushes below.
            match self.top.compare_exchange_weak(
                top.bits(),
                below.unwrap_or(TaggedHead::EMPTY).bits(),
                Ordering::Relaxed,
                Ordering::Acquire,
            ) {
                Ok(_) => return Some((index, slot, state)),
                Err(now) => top = TaggedHead::from_bits(now),
            }
        }
    }
}

/// Vacant slots that one thread has linked, on their way to a stack.
pub(crate) struct Chain<'s> {
    first: TaggedHead,
    last: (&'s AtomicState, usize),
}

impl<'s> Chain<'s> {
    /// Begins with a slot that the caller owns and gives away, to be issued with `generation`
    /// next; retires it, and begins nothing, if there is no such generation.
    pub(crate) fn new(state: &'s AtomicState, index: Index, generation: usize) -> Option<Self> {
        state.vacate(generation, Link::END).then(|| Self {
            first: TaggedHead::new(generation, index),
            last: (state, generation),
        })
    }

    /// Adds one, of the same shard, in the same way.
    pub(crate) fn add(&mut self, state: &'s AtomicState, index: Index, generation: usize) {
        if state.vacate(generation, self.first.link()) {
            self.first = TaggedHead::new(generation, index);
        }
    }
}

/// Deleted slots, of any shard, that are not yet retired: pushed by threads that own no shard,
/// taken whole by the one that retires them.
#[derive(Debug)]
pub(crate) struct LimboStack {
    /// A [`Pile`].
    head: AtomicUsize,
}

impl LimboStack {
    pub(crate) fn new() -> Self {
        Self {
            head: AtomicUsize::new(CountedHead::EMPTY.bits()),
        }
    }

    /// Pushes a slot that the caller has unlinked; says how many there are now.
    pub(crate) fn push(&self, state: &AtomicState, index: Index) -> usize {
        // edge: none. The compare-exchange checks it.
        let mut head = CountedHead::from_bits(self.head.load(Ordering::Relaxed));
        loop {
            state.relink(head.link());
            let pushed = head.push(index);
            // edge: recycle. The slot's link before the head that leads to it.
            match self.head.compare_exchange_weak(
                head.bits(),
                pushed.bits(),
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(_) => return pushed.len(),
                Err(now) => head = CountedHead::from_bits(now),
            }
        }
    }

    /// Takes all of it, as a list through the slots' links.
    pub(crate) fn take(&self) -> CountedHead {
        // edge: recycle. After the unlinks and links of all who pushed.
        let head = self.head.swap(CountedHead::EMPTY.bits(), Ordering::Acquire);
        CountedHead::from_bits(head)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::{config::LAST_GENERATION, slots::IndexLayout};

    fn index(number: usize) -> Index {
        IndexLayout::new(1).index(number, 0)
    }

    fn push(stack: &VacantStack, state: &AtomicState, index: Index, generation: usize) {
        if let Some(chain) = Chain::new(state, index, generation) {
            stack.push(&chain);
        }
    }

    #[test]
    fn a_chain_lies_on_what_was_there_and_leaves_out_the_used_up() {
        let (segments, stack) = (SlotArray::<u8>::new(1), VacantStack::new());
        let slot = |number| segments.get_or_grow(index(number)).state();
        push(&stack, slot(0), index(0), 1);
        let mut chain = Chain::new(slot(1), index(1), 2).expect("there is a generation 2");
        chain.add(slot(2), index(2), LAST_GENERATION + 1);
        chain.add(slot(3), index(3), 3);
        stack.push(&chain);
        for (number, generation) in [(3, 3), (1, 2), (0, 1)] {
            let popped = stack.pop(&segments);
            let popped = popped.map(|(index, _, state)| (index, state.generation()));
            assert_eq!(popped, Some((index(number), generation)));
        }
        assert!(stack.pop(&segments).is_none());
    }

    #[test]
    fn vacant_slots_come_back_last_first_with_their_next_generation() {
        let (segments, stack) = (SlotArray::<u8>::new(1), VacantStack::new());
        for number in 0..5 {
            push(
                &stack,
                segments.get_or_grow(index(number)).state(),
                index(number),
                1,
            );
        }
        for number in (0..5).rev() {
            let popped = stack.pop(&segments);
            let popped = popped.map(|(index, _, state)| (index, state.generation()));
            assert_eq!(popped, Some((index(number), 1)));
        }
        assert!(stack.pop(&segments).is_none());
    }

    #[test]
    fn taking_the_stack_takes_all_of_it() {
        let (segments, stack) = (SlotArray::<u8>::new(1), VacantStack::new());
        for number in 0..3 {
            push(
                &stack,
                segments.get_or_grow(index(number)).state(),
                index(number),
                1,
            );
        }
        let mut taken = Vec::new();
        let mut next = stack.take();
        while let Some(index) = next {
            taken.push(index);
            next = segments
                .get(index)
                .and_then(|slot| slot.state().load_own().link().next());
        }
        assert_eq!(taken, [2, 1, 0].map(index));
        assert!(stack.take().is_none());
    }

    #[test]
    fn a_slot_that_is_used_up_is_not_pushed() {
        let (segments, stack) = (SlotArray::<u8>::new(1), VacantStack::new());
        let state = segments.get_or_grow(index(0)).state();
        push(&stack, state, index(0), LAST_GENERATION + 1);
        assert!(stack.take().is_none());
        assert_eq!(state.load_own(), State::EXHAUSTED);
    }

    #[test]
    fn a_pile_is_taken_whole_and_counts() {
        let (segments, pile) = (SlotArray::<u8>::new(1), LimboStack::new());
        for number in 0..4 {
            assert_eq!(
                pile.push(segments.get_or_grow(index(number)).state(), index(number)),
                number + 1
            );
        }
        let taken = pile.take();
        assert_eq!((taken.link(), taken.len()), (Link::to(index(3)), 4));
        assert_eq!(pile.take(), CountedHead::EMPTY);
    }

    /// What idr-ebr's free list did up to 0.3.2: hand out a slot that was in use. Two threads pop
    /// and push the same few slots; each slot must have one owner at a time.
    #[test]
    fn two_threads_never_hold_the_same_slot() {
        // Slots are used up soon in tests, so the race is run many times.
        for _ in 0..1_000 {
            contend_for_slots();
        }
    }

    fn contend_for_slots() {
        use std::{
            collections::HashMap,
            sync::atomic::{AtomicBool, Ordering::SeqCst},
            thread,
        };

        const SLOTS: usize = 3;
        let (segments, stack) = (SlotArray::<u8>::new(1), VacantStack::new());
        let held = [const { AtomicBool::new(false) }; SLOTS];
        let numbers: HashMap<_, _> = (0..SLOTS).map(|nth| (index(nth).bits(), nth)).collect();
        for number in 0..SLOTS {
            push(
                &stack,
                segments.get_or_grow(index(number)).state(),
                index(number),
                1,
            );
        }
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while let Some((index, slot, state)) = stack.pop(&segments) {
                        let number = numbers[&index.bits()];
                        assert!(
                            !held[number].swap(true, SeqCst),
                            "state {number} held twice"
                        );
                        held[number].store(false, SeqCst);
                        push(&stack, slot.state(), index, state.generation() + 1);
                    }
                });
            }
        });
        for number in 0..SLOTS {
            assert_eq!(
                segments.get_or_grow(index(number)).state().load_own(),
                State::EXHAUSTED
            );
        }
    }
}
