//! The lists of a shard, used by one thread, and by two at once.

use super::{
    away::AwaySlots,
    lists::{Chain, CountedHead, LimboStack, TaggedHead, VacantStack},
    local::{Local, OwnerHalf},
    shared::Shard,
    vacant::split,
};
use crate::{
    config::{batch_limit, ADOPTED_BATCHES, AWAY_BATCH, FREED_BATCH, LARGE_SHARD, LAST_GENERATION},
    epoch::Ticket,
    reclaim::{Batch, SlotList},
    scaled::scaled,
    slots::{AtomicState, Index, IndexLayout, Link, LiveState, SlotArray, State},
};

fn index(number: usize) -> Index {
    IndexLayout::new(1).index(number, 0)
}

fn push(stack: &VacantStack, state: &AtomicState, index: Index, generation: usize) {
    if let Some(chain) = Chain::new(state, index, generation) {
        stack.push(&chain);
    }
}

#[test]
fn a_chain_is_pushed_in_order_without_its_exhausted_slots() {
    let (slots, stack) = (SlotArray::<u8>::new(1), VacantStack::new());
    let slot = |number| slots.get_or_grow(index(number)).state();
    push(&stack, slot(0), index(0), 1);
    let mut chain = Chain::new(slot(1), index(1), 2).expect("there is a generation 2");
    chain.add(slot(2), index(2), LAST_GENERATION + 1);
    chain.add(slot(3), index(3), 3);
    stack.push(&chain);
    for (number, generation) in [(3, 3), (1, 2), (0, 1)] {
        let popped = stack.pop(&slots);
        let popped = popped.map(|(index, _, state)| (index, state.generation()));
        assert_eq!(popped, Some((index(number), generation)));
    }
    assert!(stack.pop(&slots).is_none());
}

#[test]
fn the_vacant_slot_that_was_pushed_last_is_popped_first() {
    let (slots, stack) = (SlotArray::<u8>::new(1), VacantStack::new());
    assert!(stack.top().is_none());
    for number in 0..5 {
        push(&stack, slots.get_or_grow(index(number)).state(), index(number), 1);
    }
    for number in (0..5).rev() {
        assert!(stack.top().is_some());
        let popped = stack.pop(&slots);
        let popped = popped.map(|(index, _, state)| (index, state.generation()));
        assert_eq!(popped, Some((index(number), 1)));
    }
    assert!(stack.pop(&slots).is_none());
}

#[test]
fn taking_the_vacant_stack_takes_every_slot() {
    let (slots, stack) = (SlotArray::<u8>::new(1), VacantStack::new());
    for number in 0..3 {
        push(&stack, slots.get_or_grow(index(number)).state(), index(number), 1);
    }
    let mut taken = Vec::new();
    let mut next = stack.take();
    while let Some(index) = next {
        taken.push(index);
        next = slots.directory().get(index).and_then(|slot| slot.state().load_own().link().next());
    }
    assert_eq!(taken, [2, 1, 0].map(index));
    assert!(stack.take().is_none());
}

#[test]
fn an_exhausted_slot_is_not_pushed() {
    let (slots, stack) = (SlotArray::<u8>::new(1), VacantStack::new());
    let state = slots.get_or_grow(index(0)).state();
    push(&stack, state, index(0), LAST_GENERATION + 1);
    assert!(stack.take().is_none());
    assert_eq!(state.load_own(), State::EXHAUSTED);
}

#[test]
fn the_limbo_stack_counts_and_is_taken_whole() {
    let (slots, limbo) = (SlotArray::<u8>::new(1), LimboStack::new());
    for number in 0..4 {
        let (state, live) =
            (slots.get_or_grow(index(number)).state(), LiveState::new(1, index(number)));
        state.publish(live);
        assert_eq!(limbo.unlink(state, live), Some(number + 1));
        assert_eq!(limbo.unlink(state, live), None);
    }
    let taken = limbo.take();
    assert_eq!((taken.link(), taken.len()), (Link::to(index(3)), 4));
    assert_eq!(limbo.take(), CountedHead::EMPTY);
}

fn leave(shard: &Shard<u8>, first: Index) {
    shard.vacant().leave(Batch::new(SlotList::free(first, SlotList::MANY), Ticket::past()));
}

#[test]
fn a_long_list_is_split_into_a_batch_and_the_rest() {
    let slots = SlotArray::<u8>::new(1);
    let state = |number| slots.get_or_grow(index(number)).state();
    for len in 1..2 * FREED_BATCH {
        for number in 0..len {
            let next = if number == 0 { Link::END } else { Link::to(index(number - 1)) };
            state(number).relink(State::vacant(1, Link::END), next);
        }
        let walk = |list: SlotList| {
            let next = |at: &Index| slots.directory().get(*at)?.state().load_own().link().next();
            std::iter::successors(Some(list.first), next).collect::<Vec<_>>()
        };
        let (batch, rest) = split(&slots, SlotList::free(index(len - 1), SlotList::MANY));
        assert!(rest.is_none_or(|rest| rest.len == SlotList::MANY - FREED_BATCH));
        let mut all: Vec<_> = (0..len).rev().map(index).collect();
        let after = all.split_off(len.min(FREED_BATCH));
        assert_eq!((walk(batch), rest.map_or(vec![], walk)), (all, after));
        assert!(batch.len <= FREED_BATCH);
    }
}

/// A batch of slots with trivial values may have some in limbo of their last generation.
#[test]
fn a_slot_of_a_spare_batch_is_issued_with_its_next_generation_or_exhausted() {
    let (slots, layout) = (SlotArray::<u8>::new(1), IndexLayout::new(1));
    let shard = Shard::<u8>::new(0, layout.range(0));
    let [last, vacant, limbo] =
        [0, 1, 2].map(|number| (index(number), slots.get_or_grow(index(number)).state()));
    let in_limbo = |generation, index| LiveState::new(generation, index).limbo(Link::END);
    last.1.relink(in_limbo(LAST_GENERATION, last.0), Link::to(vacant.0));
    vacant.1.relink(State::vacant(1, Link::END), Link::to(limbo.0));
    limbo.1.relink(in_limbo(3, limbo.0), Link::END);
    leave(&shard, last.0);
    let issued = [(); 3].map(|()| shard.claim_vacant(&slots).map(|claim| claim.live()));
    assert_eq!(last.1.load_own(), State::EXHAUSTED);
    let expected = [(1, vacant.0), (4, limbo.0)];
    let expected = expected.map(|(generation, index)| Some(LiveState::new(generation, index)));
    assert_eq!(issued, [expected[0], expected[1], None], "no generation is passed over");
    let vacant = shard.vacant();
    assert_eq!((vacant.begun(), vacant.done()), (2, 2), "the third found no batch to look through");
}

#[test]
fn a_batch_of_exhausted_slots_does_not_hide_the_next_one() {
    let (slots, layout) = (SlotArray::<u8>::new(1), IndexLayout::new(1));
    let shard = Shard::<u8>::new(0, layout.range(0));
    for (number, generation) in [(0, 1), (1, LAST_GENERATION + 1), (2, LAST_GENERATION + 1)] {
        let state = slots.get_or_grow(index(number)).state();
        state.relink(State::vacant(generation, Link::END), Link::END);
        leave(&shard, index(number));
    }
    let claimed = shard.claim_vacant(&slots).map(|claim| claim.live());
    assert_eq!(claimed, Some(LiveState::new(1, index(0))));
    assert!(shard.vacant().take(&slots).is_none(), "the exhausted ones are gone");
}

/// idr-ebr up to 0.3.2 handed out slots that were in use, by ABA on its free list. Two threads pop
/// and push the same few slots here; each slot must have one owner at a time.
#[test]
fn two_threads_never_hold_the_same_slot() {
    // Slots are exhausted soon in tests, so the race is run many times.
    for _ in 0..scaled(1_000) {
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
    let (slots, stack) = (SlotArray::<u8>::new(1), VacantStack::new());
    let held = [const { AtomicBool::new(false) }; SLOTS];
    let numbers: HashMap<_, _> = (0..SLOTS).map(|nth| (index(nth).bits(), nth)).collect();
    for number in 0..SLOTS {
        push(&stack, slots.get_or_grow(index(number)).state(), index(number), 1);
    }
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((index, slot, state)) = stack.pop(&slots) {
                    let number = numbers[&index.bits()];
                    assert!(!held[number].swap(true, SeqCst), "state {number} held twice");
                    held[number].store(false, SeqCst);
                    push(&stack, slot.state(), index, state.generation() + 1);
                }
            });
        }
    });
    for number in 0..SLOTS {
        assert_eq!(slots.get_or_grow(index(number)).state().load_own(), State::EXHAUSTED);
    }
}

#[test]
fn a_tagged_head_is_never_empty_and_names_its_slot() {
    let first = index(0);
    let head = TaggedHead::new(1, first);
    assert_ne!(head, TaggedHead::EMPTY);
    assert_eq!(head.index(), Some(first));
    assert_eq!(head, TaggedHead::of(State::vacant(1, Link::END), first));
    assert_ne!(head, TaggedHead::of(State::vacant(2, Link::END), first));
    assert_eq!(TaggedHead::EMPTY.link(), Link::END);
}

#[test]
fn a_counted_head_counts_and_saturates() {
    let index = index(0);
    let mut head = CountedHead::EMPTY;
    assert_eq!(head.link(), Link::END);
    for len in 1..=2000 {
        head = head.push(index);
        assert_eq!(head.len(), len.min(CountedHead::MOST));
        assert_eq!(head.link().next(), Some(index));
    }
}

#[test]
fn slots_of_two_shards_are_returned_apart() {
    let (slots, layout) = (SlotArray::<u8>::new(4), IndexLayout::new(4));
    let mut away = AwaySlots::default();
    let mut free = |number, shard, generation| {
        let index = layout.index(number, shard);
        let state = slots.get_or_grow(index).state();
        away.add(&slots, shard, (state, index, generation))
    };
    let returned = |returned: Option<(usize, Chain<'_>)>| {
        let (home, chain) = returned?;
        let stack = VacantStack::new();
        stack.push(&chain);
        let popped = std::iter::from_fn(|| stack.pop(&slots)).map(|(index, ..)| index);
        Some((home, popped.collect::<Vec<_>>()))
    };
    assert_eq!(AWAY_BATCH, 2, "in unit tests");
    assert!(free(0, 1, 1).is_none());
    assert!(free(1, 1, LAST_GENERATION + 1).is_none(), "an exhausted slot is not returned");
    // One of another shard comes: then those of the first one go.
    assert_eq!(returned(free(0, 2, 1)), Some((1, vec![layout.index(0, 1)])));
    let both = vec![layout.index(1, 2), layout.index(0, 2)];
    assert_eq!(returned(free(1, 2, 3)), Some((2, both)), "so many make a chain");
    assert!(free(2, 2, 1).is_none());
}

#[test]
fn a_shard_is_large_once_so_many_of_its_slots_are_in_use() {
    let (slots, layout) = (SlotArray::<u8>::new(1), IndexLayout::new(1));
    let shard = Shard::<u8>::new(0, layout.range(0));
    for used in 0..LARGE_SHARD {
        assert!(!shard.is_large());
        assert_eq!(shard.reserve_fresh(&slots, 1), Some((used, used + 1)));
    }
    assert!(shard.is_large());
}

/// What an owner keeps of its shard, which has this number in a table of four.
fn local(shard: usize) -> Local {
    OwnerHalf::<u8>::new(shard, IndexLayout::new(4).range(shard)).local.into_inner()
}

#[test]
fn an_owner_keeps_so_many_batches_and_gives_back_what_is_more() {
    let mut local = local(0);
    let keeps = |local: &mut Local, len| {
        local.adopt(Batch::new(SlotList::free(index(0), len), Ticket::past())).is_none()
    };
    for _ in 0..2 {
        for _ in 0..ADOPTED_BATCHES {
            assert!(keeps(&mut local, FREED_BATCH));
        }
        assert!(!keeps(&mut local, FREED_BATCH));
        for _ in 0..ADOPTED_BATCHES {
            assert!(local.next_batch().is_some());
        }
        assert!(local.next_batch().is_none());
    }
    assert_eq!(ADOPTED_BATCHES, 2, "in unit tests");
    assert!(keeps(&mut local, FREED_BATCH + 1));
    assert!(!keeps(&mut local, FREED_BATCH), "a long one counts as two");
    assert!(local.next_batch().is_some());
    assert!(keeps(&mut local, FREED_BATCH));
}

#[test]
fn slots_freed_one_by_one_make_a_batch_with_those_below_them() {
    let mut local = local(0);
    local.set_free(SlotList::free(index(0), 3));
    for number in 1..=FREED_BATCH {
        assert_eq!(local.add_free(index(number)), number == FREED_BATCH);
    }
    let list = local.take_free().map(|list| (list.first, list.len));
    assert_eq!(list, Some((index(FREED_BATCH), FREED_BATCH + 3)));
    assert!(local.take_free().is_none());
}

#[test]
fn a_batch_is_used_in_place_if_it_is_full_and_of_one_shard() {
    let (mut local, full) = (local(1), batch_limit::<u8>());
    let mut deleted = 0;
    let mut delete = |count, shard| {
        for number in 0..count {
            deleted += 1;
            let live = LiveState::new(1, IndexLayout::new(4).index(number, shard));
            assert_eq!(local.add_to_limbo(live, deleted), number + 1 == full);
        }
        let list = local.take_limbo(deleted, full)?;
        Some((list.len, list.reusable_in_place))
    };
    assert_eq!(delete(full, 1), Some((full, true)));
    assert_eq!(delete(full - 1, 1), Some((full - 1, false)));
    assert_eq!(delete(full, 2), Some((full, false)));
    assert_eq!(delete(full, 1), Some((full, true)));
    assert_eq!(delete(0, 1), None);
}
