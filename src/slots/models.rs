//! Slots: when what is in one can be seen.

use std::sync::Arc;

use loom::cell::UnsafeCell;

use super::{Link, LiveState, Phase, SlotArray};
use crate::loom_models::{check, index, spawn, Holds};

/// Edge "grow". Fails if `SlotArray::grow` loses its compare-exchange, or if the thread that loses
/// it doesn't store the end: a thread goes on with slots that no other thread sees.
#[test]
fn a_segment_is_made_once() {
    check(|| {
        let shared = Arc::new(SlotArray::<u8>::new(1));
        let make = |array: &SlotArray<u8>| {
            let state = array.get_or_grow(index(0)).state();
            assert!(
                array.directory().get(index(0)).is_some(),
                "the thread that made the segment finds it"
            );
            std::ptr::from_ref(state).addr()
        };
        let others = [0; 2].map(|_| spawn(&shared, make));
        let here = make(&shared);
        assert!(others.map(|other| other.join().unwrap()) == [here; 2]);
    });
}

/// Edge "grow". Fails if `SlotArray::made_by_others` loses its Acquire, or doesn't store the end: a
/// thread without memory goes on with slots that it can't see made, or that no other thread sees.
#[test]
fn a_thread_without_memory_uses_the_segment_of_another() {
    check(|| {
        let shared = Arc::new(SlotArray::<u8>::new(1));
        let maker = spawn(&shared, |array| {
            array.get_or_grow(index(0)).state().load_own();
        });
        let other = spawn(&shared, |array| {
            let Some(slot) = array.made_by_others(index(0)) else { return };
            slot.state().load_own();
            assert!(
                array.directory().get(index(0)).is_some(),
                "what this thread publishes in the segment is found"
            );
        });
        maker.join().unwrap();
        other.join().unwrap();
    });
}

/// A value of which loom checks every use. Seven, until it is dropped.
struct Watched(UnsafeCell<usize>);

// SAFETY: loom checks every access to the cell. The models claim that all of them are ordered.
unsafe impl Sync for Watched {}

impl Drop for Watched {
    fn drop(&mut self) {
        // SAFETY: loom has checked that no other thread reads or writes at the same time.
        self.0.with_mut(|number| assert_eq!(unsafe { number.replace(0) }, 7));
    }
}

/// Edge "publish". Fails if `AtomicState::unlink` loses its Acquire: a thread that got a handle
/// without an edge deletes it, and drops the value before it is written. A model of a table can't
/// notice that: the fence between an unlink and the look at the readers hides the loss.
#[test]
fn a_value_is_dropped_after_it_is_written() {
    check(|| {
        let live = LiveState::new(0, index(0));
        let array = Arc::new(SlotArray::<Watched>::new(1));
        let _ = array.get_or_grow(index(0));
        let maker = spawn(&array, move |array| {
            let slot = array.get_or_grow(index(0));
            // SAFETY: the slot is this thread's until it is published.
            unsafe { slot.write(Watched(UnsafeCell::new(7))) };
            slot.state().publish(live);
        });
        let slot = array.get_or_grow(index(0));
        if slot.state().unlink(live, Link::END) {
            // SAFETY: no other thread reads or drops it.
            unsafe { slot.drop_value() };
        }
        maker.join().unwrap();
    });
}

/// Edge "delete". Fails if `AtomicState::relink` loses its Release: a reader is told `Deleted` by a
/// slot whose link was set since, and doesn't see what the deleter did before.
#[test]
fn a_relinked_slot_shows_what_its_deleter_did() {
    check(|| {
        let shared = Arc::new((SlotArray::<u8>::new(1), Holds::<1>::new(1)));
        let (array, holds) = &*shared;
        let state = array.get_or_grow(index(0)).state();
        let live = LiveState::new(0, index(0));
        state.publish(live);
        let late = spawn(&shared, |(array, holds)| {
            if array.get_or_grow(index(0)).state().load().phase() == Phase::Limbo {
                holds.look(0);
            }
        });
        holds.give(0);
        assert!(state.unlink(live, Link::to(index(0))));
        state.relink(live.limbo(Link::END), Link::to(index(1)));
        late.join().unwrap();
        assert_eq!(state.load_own(), live.limbo(Link::to(index(1))));
    });
}

/// Edge "delete". Fails if `AtomicState::reserve` loses its Release: a reader is told `Deleted` by
/// a slot that is reserved since, and doesn't see what the deleter did before. A model of a table
/// can't notice that: the fence between an unlink and the look at the readers hides the loss.
#[test]
fn a_reserved_slot_shows_what_its_deleter_did() {
    check(|| {
        let shared = Arc::new((SlotArray::<u8>::new(1), Holds::<1>::new(1)));
        let (array, holds) = &*shared;
        let state = array.get_or_grow(index(0)).state();
        let (live, next) = (LiveState::new(0, index(0)), LiveState::new(1, index(0)));
        state.publish(live);
        let late = spawn(&shared, |(array, holds)| {
            let seen = array.get_or_grow(index(0)).state().load();
            if seen.generation() == 1 || seen.phase() == Phase::Limbo {
                holds.look(0);
            }
        });
        holds.give(0);
        assert!(state.unlink(live, Link::to(index(0))));
        assert!(state.vacate(1, Link::END));
        state.reserve(next);
        late.join().unwrap();
        assert_eq!(state.load_own(), next.reserved());
    });
}

/// Edge "delete". Fails if `AtomicState::try_claim` loses its compare-exchange: the thread that has
/// a retired slot and the drop of its table both drop the value.
#[test]
fn one_of_two_threads_claims_a_value() {
    check(|| {
        let array = Arc::new(SlotArray::<u8>::new(1));
        let state = array.get_or_grow(index(0)).state();
        let live = LiveState::new(0, index(0));
        state.publish(live);
        assert!(state.unlink(live, Link::END));
        let limbo = live.limbo(Link::END);
        let claim = move |array: &SlotArray<u8>| {
            array.get_or_grow(index(0)).state().try_claim(limbo, index(0))
        };
        let others = [0; 2].map(|_| spawn(&array, claim));
        let won = usize::from(claim(&array));
        let won =
            others.map(|other| usize::from(other.join().unwrap())).iter().sum::<usize>() + won;
        assert_eq!(won, 1);
        assert_eq!(state.load_own(), live.limbo(Link::to(index(0))));
    });
}

/// Edge "delete". Fails if `AtomicState::try_claim` becomes a load and a store: the claim is not in
/// the release sequence of the unlink any more, so a reader that is told `Deleted` by it doesn't
/// see what the deleter did before.
#[test]
fn a_claimed_slot_shows_what_its_deleter_did() {
    check(|| {
        let shared = Arc::new((SlotArray::<u8>::new(1), Holds::<1>::new(1)));
        let (array, holds) = &*shared;
        let state = array.get_or_grow(index(0)).state();
        let live = LiveState::new(0, index(0));
        state.publish(live);
        let late = spawn(&shared, |(array, holds)| {
            if array.get_or_grow(index(0)).state().load().phase() == Phase::Limbo {
                holds.look(0);
            }
        });
        holds.give(0);
        assert!(state.unlink(live, Link::END));
        assert!(state.try_claim(live.limbo(Link::END), index(0)));
        late.join().unwrap();
    });
}
