//! The lists that threads share, and fresh slots.

use std::sync::Arc;

use super::{
    lists::{Chain, LimboStack, VacantStack},
    Shard,
};
use crate::{
    epoch::Ticket,
    loom_models::{check, index, spawn, Holds},
    reclaim::{Batch, SlotList},
    slots::{AtomicState, Index, IndexLayout, Link, LiveState, SlotArray},
};

/// Slots, and the two lists that they may be on.
struct Lists<const N: usize> {
    array: SlotArray<u8>,
    vacant: VacantStack,
    limbo: LimboStack,
    holds: Holds<N>,
}

impl<const N: usize> Lists<N> {
    /// The first `held` slots are owned by the model, the others are on the vacant stack, the last
    /// one on top.
    fn new(held: usize) -> Self {
        let this = Self {
            array: SlotArray::new(1),
            vacant: VacantStack::new(),
            limbo: LimboStack::new(),
            holds: Holds::new(N),
        };
        for number in 0..N {
            let _ = this.slot(number);
        }
        for number in held..N {
            this.push(number, 1);
        }
        this
    }

    fn slot(&self, number: usize) -> &AtomicState {
        self.array.get_or_grow(index(number)).state()
    }

    /// Returns a slot, to be issued with `generation` next.
    fn push(&self, number: usize, generation: usize) {
        self.holds.give(number);
        let chain = Chain::new(self.slot(number), index(number), generation);
        self.vacant.push(&chain.unwrap());
    }

    /// Pops a slot; returns its number and the generation that it has now.
    fn pop(&self) -> Option<(usize, usize)> {
        let (index, _, state) = self.vacant.pop(&self.array)?;
        let number = number_of(index);
        self.holds.take(number);
        Some((number, state.generation()))
    }

    /// Takes the whole stack, as an owner does, and returns how many slots it had.
    fn take_all(&self) -> usize {
        self.hold_list(self.vacant.take())
    }

    /// Makes the slot live, deletes its handle, and gives the slot to the limbo stack.
    fn delete(&self, number: usize) {
        let (state, live) = (self.slot(number), LiveState::new(1, index(number)));
        state.publish(live);
        self.holds.give(number);
        assert!(self.limbo.unlink(state, live).is_some());
    }

    /// Takes the whole limbo stack, and returns how many slots it had.
    fn take_limbo(&self) -> usize {
        self.hold_list(self.limbo.take().link().next())
    }

    fn hold_list(&self, first: Option<Index>) -> usize {
        let (mut next, mut count) = (first, 0);
        while let Some(index) = next {
            let number = number_of(index);
            self.holds.take(number);
            next = self.slot(number).load_own().link().next();
            count += 1;
        }
        count
    }
}

fn number_of(state: Index) -> usize {
    (0..).find(|number| index(*number) == state).unwrap()
}

/// Edge "recycle". Fails if `VacantStack::pop` loses its compare-exchange: two threads get one
/// slot.
#[test]
fn each_pop_takes_a_slot_of_its_own() {
    check(|| {
        let lists = Arc::new(Lists::<3>::new(0));
        let others = [0; 2].map(|_| spawn(&lists, |lists| lists.pop().map(drop)));
        assert!(lists.pop().is_some());
        for other in others {
            assert!(other.join().unwrap().is_some());
        }
        assert_eq!(lists.take_all(), 0);
    });
}

/// Edge "recycle". Fails if `TaggedHead` loses its generation: while a thread pops a slot, others
/// pop it and the one below, and push it again. The thread's exchange then succeeds, and puts a
/// slot on top that is in use (ABA).
#[test]
fn a_pop_fails_if_its_head_was_pushed_anew() {
    check(|| {
        let lists = Arc::new(Lists::<3>::new(0));
        let twice = spawn(&lists, |lists| [lists.pop(), lists.pop()].into_iter().flatten().count());
        let once = spawn(&lists, |lists| lists.pop().into_iter().count());
        let mine = lists.pop().map(|(number, generation)| {
            let next = lists.pop().into_iter().count();
            lists.push(number, generation + 1);
            next
        });
        let held = twice.join().unwrap() + once.join().unwrap() + mine.unwrap_or(0);
        assert_eq!(held + lists.take_all(), 3);
    });
}

/// Two threads return a slot each, while `take` takes slots and returns how many it got.
fn beside_two_pushers(take: fn(&Lists<3>) -> usize) {
    check(move || {
        let lists = Arc::new(Lists::<3>::new(2));
        let pushers = [0, 1].map(|number| spawn(&lists, move |lists| lists.push(number, 1)));
        let held = take(&lists);
        pushers.into_iter().for_each(|pusher| pusher.join().unwrap());
        assert_eq!(held + lists.take_all(), 3);
    });
}

/// Edge "recycle". Fails if `VacantStack::push` loses its Release or `VacantStack::pop` its
/// Acquire: a thread uses a slot without happening after its last user, or follows an old link.
#[test]
fn a_slot_is_popped_after_its_last_use() {
    beside_two_pushers(|lists| [lists.pop(), lists.pop()].into_iter().flatten().count());
}

/// Edge "recycle". Fails if `VacantStack::take` loses its Acquire or its swap, or if
/// `VacantStack::push` loses its compare-exchange: the owner takes slots that are still in use, or
/// slots that are returned meanwhile are lost.
#[test]
fn taking_the_vacant_stack_loses_no_slot() {
    beside_two_pushers(|lists| lists.take_all() + lists.take_all());
}

/// Edge "recycle". Fails if `Chain::add` doesn't link a slot to the one before: slots of the chain
/// are lost, also when other slots are pushed meanwhile.
#[test]
fn a_chain_is_pushed_whole() {
    check(|| {
        let lists = Arc::new(Lists::<4>::new(4));
        let chainer = spawn(&lists, |lists| {
            (0..3).for_each(|number| lists.holds.give(number));
            let mut chain = Chain::new(lists.slot(0), index(0), 1).unwrap();
            chain.add(lists.slot(1), index(1), 1);
            chain.add(lists.slot(2), index(2), 1);
            lists.vacant.push(&chain);
        });
        let pusher = spawn(&lists, |lists| lists.push(3, 1));
        let held = lists.pop().into_iter().count() + lists.take_all();
        chainer.join().unwrap();
        pusher.join().unwrap();
        assert_eq!(held + lists.take_all(), 4);
    });
}

/// Edge "recycle". Fails if `LimboStack::unlink` loses its Release, one of its links or its
/// compare-exchange, or `LimboStack::take` its Acquire or its swap: a slot is taken twice, or
/// never.
#[test]
fn a_deleted_slot_is_taken_exactly_once() {
    check(|| {
        let lists = Arc::new(Lists::<3>::new(3));
        let others = [0, 1].map(|number| {
            spawn(&lists, move |lists| {
                lists.delete(number);
                lists.take_limbo()
            })
        });
        lists.delete(2);
        let held = lists.take_limbo();
        let held = others.map(|other| other.join().unwrap()).iter().sum::<usize>() + held;
        assert_eq!(held + lists.take_limbo(), 3);
    });
}

/// Edge "recycle". Fails if `VacantSlots::pop_spare` puts slots onto the vacant stack with the
/// generations that they have: while a thread pops a slot, another takes the whole stack, uses the
/// slot below, and leaves the one on top, which comes back to the stack. The first thread's
/// exchange then succeeds, and puts a slot on top that is in use (ABA). Also fails if
/// `VacantSlots::pop_spare` leaves the slot that it claims.
#[test]
fn a_slot_of_a_spare_batch_is_claimed_by_one_thread() {
    check(|| {
        let shard = Shard::<u8>::new(0, IndexLayout::new(1).range(0));
        let shared = Arc::new((SlotArray::new(1), shard, Holds::<3>::new(0)));
        let (array, shard, holds) = &*shared;
        for number in 0..3 {
            let state = array.get_or_grow(index(number)).state();
            shard.vacant().push(&Chain::new(state, index(number), 1).unwrap());
        }
        let pop = |(array, shard, holds): &(SlotArray<u8>, Shard<u8>, Holds<3>)| {
            let claim = shard.claim_vacant(array)?;
            holds.take(number_of(claim.live().index()));
            Some(())
        };
        let popper = spawn(&shared, pop);
        if let Some((list, _)) = shard.vacant().take(array) {
            let state = |number| array.get_or_grow(number).state();
            let top = list.first;
            let mut first = top;
            if let Some(below) = state(top).load_own().link().next() {
                // The lowest slot is left in front of the top one.
                holds.take(number_of(below));
                if let Some(lowest) = state(below).load_own().link().next() {
                    state(lowest).relink(state(lowest).load_own(), Link::to(top));
                    first = lowest;
                }
                state(top).relink(state(top).load_own(), Link::END);
            }
            shard.vacant().leave(Batch::new(SlotList::free(first, 2), Ticket::past()));
        }
        while pop(&shared).is_some() {}
        popper.join().unwrap();
    });
}

/// Edge "delete". Fails if `AtomicState::vacate` loses its Release: a reader is told `Deleted` by a
/// slot that is vacant again, and doesn't see what the deleter did before.
#[test]
fn a_vacant_slot_shows_what_its_deleter_did() {
    check(|| {
        let lists = Arc::new(Lists::<2>::new(2));
        let others = [0, 1].map(|number| spawn(&lists, move |lists| lists.push(number, 1)));
        let state = lists.slot(0).load();
        if state.generation() == 1 {
            // The state shows that the pushing thread has returned the slot.
            lists.holds.take(0);
        }
        others.into_iter().for_each(|other| other.join().unwrap());
    });
}

/// Fails if `Shard::reserve_made` loses its compare-exchange: two threads take one fresh slot.
#[test]
fn a_fresh_slot_is_reserved_once() {
    check(|| {
        let reserve_fresh = |(array, shard, holds): &(SlotArray<u8>, Shard<u8>, Holds<6>)| {
            let (from, to) = shard.reserve_made(array, 2).unwrap();
            (from..to).for_each(|number| holds.take(number));
        };
        let shared = Arc::new((
            SlotArray::new(1),
            Shard::new(0, IndexLayout::new(1).range(0)),
            Holds::new(0),
        ));
        // The segments of six slots.
        for number in [0, 2] {
            let _ = shared.0.get_or_grow(index(number));
        }
        let others = [0; 2].map(|_| spawn(&shared, reserve_fresh));
        reserve_fresh(&shared);
        others.into_iter().for_each(|other| other.join().unwrap());
    });
}
