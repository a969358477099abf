//! The lists that threads share, and fresh slots.

use std::sync::Arc;

use super::{
    lists::{Chain, LimboStack, VacantStack},
    Shard,
};
use crate::{
    model::{check, index, spawn, Holds},
    slots::{AtomicState, Index, IndexLayout, SlotArray},
};

/// Slots, and the two lists that they may be on.
struct Lists<const N: usize> {
    segments: SlotArray<u8>,
    vacant: VacantStack,
    limbo: LimboStack,
    holds: Holds<N>,
}

impl<const N: usize> Lists<N> {
    /// The first `held` slots are in someone's hands, the others on the stack, the last on top.
    fn new(held: usize) -> Self {
        let this = Self {
            segments: SlotArray::new(1),
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
        self.segments.get_or_grow(index(number)).state()
    }

    /// Returns a slot, to be issued with `generation` next.
    fn push(&self, number: usize, generation: usize) {
        self.holds.give(number);
        let chain = Chain::new(self.slot(number), index(number), generation);
        self.vacant.push(&chain.unwrap());
    }

    /// The slot's number, and the generation it has now.
    fn pop(&self) -> Option<(usize, usize)> {
        let (index, _, state) = self.vacant.pop(&self.segments)?;
        let number = number_of(index);
        self.holds.take(number);
        Some((number, state.generation()))
    }

    /// Takes the whole stack, as an owner does, and says how many slots it had.
    fn take_all(&self) -> usize {
        self.hold_list(self.vacant.take())
    }

    fn delete(&self, number: usize) {
        self.holds.give(number);
        self.limbo.push(self.slot(number), index(number));
    }

    /// Takes the whole pile, and says how many slots it had.
    fn take_pile(&self) -> usize {
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

/// `VacantStack::pop` without its exchange: two threads get the same slot.
#[test]
fn two_pops_take_the_same_slot() {
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

/// The generation in `Top`: a slot is popped and pushed again, and the one below it is in use.
#[test]
fn a_top_that_came_back_hands_out_a_slot_in_use() {
    check(|| {
        let lists = Arc::new(Lists::<3>::new(0));
        let twice = spawn(&lists, |lists| {
            [lists.pop(), lists.pop()].into_iter().flatten().count()
        });
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

/// Two threads return a slot each, while `take` takes what it finds, and says how much.
fn beside_two_pushers(take: fn(&Lists<3>) -> usize) {
    check(move || {
        let lists = Arc::new(Lists::<3>::new(2));
        let pushers = [0, 1].map(|number| spawn(&lists, move |lists| lists.push(number, 1)));
        let held = take(&lists);
        pushers
            .into_iter()
            .for_each(|pusher| pusher.join().unwrap());
        assert_eq!(held + lists.take_all(), 3);
    });
}

/// "recycle" of vacant slots, `VacantStack::push` without Release, `pop` without Acquire: who takes
/// a slot is in it while its last user is, or follows a link from before.
#[test]
fn a_slot_is_popped_before_it_is_let_go() {
    beside_two_pushers(|lists| [lists.pop(), lists.pop()].into_iter().flatten().count());
}

/// "recycle" of vacant slots, `VacantStack::take` without Acquire or its swap: the owner takes what
/// others are still in, or loses what they return meanwhile.
#[test]
fn a_slot_is_lost_when_the_owner_takes_them_all() {
    beside_two_pushers(|lists| lists.take_all() + lists.take_all());
}

/// The links of a `Chain`: slots that go home together are lost when others come in between.
#[test]
fn slots_of_a_chain_are_lost() {
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

/// "recycle" of deleted slots, `LimboPile::push` or `take` without Release, Acquire, exchange or
/// swap: a slot is retired twice, or never.
#[test]
fn a_deleted_slot_is_lost_or_taken_twice() {
    check(|| {
        let lists = Arc::new(Lists::<3>::new(3));
        let others = [0, 1].map(|number| {
            spawn(&lists, move |lists| {
                lists.delete(number);
                lists.take_pile()
            })
        });
        lists.delete(2);
        let held = lists.take_pile();
        let held = others
            .map(|other| other.join().unwrap())
            .iter()
            .sum::<usize>()
            + held;
        assert_eq!(held + lists.take_pile(), 3);
    });
}

/// "delete", `Slot::vacate` without Release: who is told "deleted" by a slot that is
/// vacant again does not see what its deleter did before.
#[test]
fn a_vacant_slot_hides_what_its_deleter_did() {
    check(|| {
        let lists = Arc::new(Lists::<2>::new(2));
        let others = [0, 1].map(|number| spawn(&lists, move |lists| lists.push(number, 1)));
        let state = lists.slot(0).load();
        if state.generation() == 1 {
            // The pusher has given it away, by the state that says so.
            lists.holds.take(0);
        }
        others.into_iter().for_each(|other| other.join().unwrap());
    });
}

/// The exchange of `Shard::carve`: two threads take the same fresh slot.
#[test]
fn a_fresh_slot_is_carved_twice() {
    check(|| {
        let reserve_fresh = |(segments, shard, holds): &(SlotArray<u8>, Shard<u8>, Holds<6>)| {
            let (from, to) = shard.reserve_fresh(segments, 2).unwrap();
            (from..to).for_each(|number| holds.take(number));
        };
        let shared = Arc::new((
            SlotArray::new(1),
            Shard::new(0, IndexLayout::new(1)),
            Holds::new(0),
        ));
        let others = [0; 2].map(|_| spawn(&shared, reserve_fresh));
        reserve_fresh(&shared);
        others.into_iter().for_each(|other| other.join().unwrap());
    });
}
