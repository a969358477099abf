//! Slots: when what is in one can be seen.

use std::sync::Arc;

use loom::cell::UnsafeCell;

use super::{Link, LiveState, Phase, SlotArray, State};
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

/// A value of which loom checks every use.
struct Watched(UnsafeCell<usize>);

// SAFETY: loom checks every access to the cell. The models claim that all of them are ordered.
unsafe impl Sync for Watched {}

/// Edge "publish". Fails if `AtomicState::unlink` loses its Acquire: a thread that got a handle
/// without an edge deletes it, and takes the value before it is written. A model through the epoch
/// can't notice that: each delete there seals a batch, and the fence of the seal hides the loss.
#[test]
fn a_value_is_taken_after_it_is_written() {
    check(|| {
        let word = LiveState::new(0, index(0));
        let array = Arc::new(SlotArray::<Watched>::new(1));
        let _ = array.get_or_grow(index(0));
        let maker = spawn(&array, move |array| {
            let slot = array.get_or_grow(index(0));
            // SAFETY: the slot is this thread's until it is published.
            unsafe { slot.write(Watched(UnsafeCell::new(7))) };
            slot.state().publish(word);
        });
        let slot = array.get_or_grow(index(0));
        if slot.state().unlink(word, Link::END) {
            // SAFETY: no other thread reads or takes it.
            let value = unsafe { slot.take() };
            // SAFETY: loom has checked that no thread writes at the same time.
            value.0.with(|number| assert_eq!(unsafe { *number }, 7));
        }
        maker.join().unwrap();
    });
}

/// Edge "delete". Fails if `AtomicState::update` becomes a load and a store: a thread relinks a
/// slot that it has deleted while a sweep vacates it in place, and one of the two changes is lost.
#[test]
fn vacating_in_place_and_relinking_both_take_effect() {
    check(|| {
        let array = Arc::new(SlotArray::<u8>::new(1));
        let state = array.get_or_grow(index(0)).state();
        let word = LiveState::new(0, index(0));
        state.publish(word);
        assert!(state.unlink(word, Link::END));
        let sweeps = [0; 2].map(|_| {
            spawn(&array, |array| array.get_or_grow(index(0)).state().try_vacate_in_place(0))
        });
        state.relink(Link::to(index(1)));
        let vacated = sweeps.map(|sweep| sweep.join().unwrap());
        assert_eq!(vacated.iter().filter(|done| **done).count(), 1);
        let now = state.load_own();
        assert_eq!((now.phase(), now.generation()), (Phase::Vacant, 1));
        assert_eq!(now.link(), Link::to(index(1)));
    });
}

/// Edge "delete". Fails if `AtomicState::vacate_in_place` loses its Release: a reader is told
/// `Deleted` by the slot, and doesn't see what the deleter did before. Also fails if it leaves the
/// slot in its old generation, or changes its link.
#[test]
fn a_slot_vacated_in_place_shows_what_its_deleter_did() {
    check(|| {
        let shared = Arc::new((SlotArray::<u8>::new(1), Holds::<1>::new(1)));
        let (array, holds) = &*shared;
        let state = array.get_or_grow(index(0)).state();
        let (word, link) = (LiveState::new(0, index(0)), Link::to(index(1)));
        state.publish(word);
        assert!(state.unlink(word, link));
        let late = spawn(&shared, |(array, holds)| {
            if array.get_or_grow(index(0)).state().load().generation() == 1 {
                holds.look(0);
            }
        });
        holds.give(0);
        state.vacate_in_place(state.load_own());
        late.join().unwrap();
        assert_eq!(state.load_own(), State::vacant(1, link));
    });
}
