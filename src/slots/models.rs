//! Slots: when what is in one can be seen.

use std::sync::Arc;

use loom::cell::UnsafeCell;

use super::{Link, LiveState, Phase, SlotArray, State};
use crate::model::{check, index, spawn, Holds};

/// "grow", the exchange of `Segments::grow`: a thread goes on with slots that no one else sees.
#[test]
fn a_segment_is_made_twice() {
    check(|| {
        let shared = Arc::new(SlotArray::<u8>::new(1));
        let make = |segments: &SlotArray<u8>| {
            let state = segments.get_or_grow(index(0)).state();
            assert!(segments.get(index(0)).is_some(), "who has made it finds it");
            std::ptr::from_ref(state).addr()
        };
        let others = [0; 2].map(|_| spawn(&shared, make));
        let here = make(&shared);
        assert!(others.map(|other| other.join().unwrap()) == [here; 2]);
    });
}

/// A value that loom watches.
struct Watched(UnsafeCell<usize>);

// SAFETY: as for `Holds`.
unsafe impl Sync for Watched {}

/// The Acquire of `Slot::unlink`: who deletes a handle that came without an edge takes the value
/// before it is made. (Through the epoch a fence hides it: each delete there is a batch.)
#[test]
fn a_value_is_taken_before_it_is_made() {
    check(|| {
        let word = LiveState::new(0, index(0));
        let segments = Arc::new(SlotArray::<Watched>::new(1));
        let _ = segments.get_or_grow(index(0));
        let maker = spawn(&segments, move |segments| {
            let slot = segments.get_or_grow(index(0));
            // SAFETY: the slot is this thread's until it is published.
            unsafe { slot.write(Watched(UnsafeCell::new(7))) };
            slot.state().publish(word);
        });
        let slot = segments.get_or_grow(index(0));
        if slot.state().unlink(word, Link::END) {
            // SAFETY: no one else looks at it or takes it.
            let value = unsafe { slot.take() };
            // SAFETY: loom has checked that nobody writes meanwhile.
            value.0.with(|number| assert_eq!(unsafe { *number }, 7));
        }
        maker.join().unwrap();
    });
}

/// `Slot::change` without its exchange: a thread links a slot that it has deleted, and forgets that
/// a walker has left it hollow, or the walker forgets the link.
#[test]
fn a_hollow_slot_is_filled_by_its_link() {
    check(|| {
        let segments = Arc::new(SlotArray::<u8>::new(1));
        let state = segments.get_or_grow(index(0)).state();
        let word = LiveState::new(0, index(0));
        state.publish(word);
        assert!(state.unlink(word, Link::END));
        let sweep_lock = [0; 2].map(|_| {
            spawn(&segments, |segments| {
                segments
                    .get_or_grow(index(0))
                    .state()
                    .try_vacate_in_place(0)
            })
        });
        state.relink(Link::to(index(1)));
        let hollowed = sweep_lock.map(|walker| walker.join().unwrap());
        assert_eq!(hollowed.iter().filter(|done| **done).count(), 1);
        let now = state.load_own();
        assert_eq!((now.phase(), now.generation()), (Phase::Vacant, 1));
        assert_eq!(now.link(), Link::to(index(1)));
    });
}

/// "delete", `Slot::leave_hollow` without Release: who is told "deleted" by a slot that its batch has left
/// hollow does not see what its deleter did before. Or without the step to the next generation.
#[test]
fn a_hollow_slot_hides_what_its_deleter_did() {
    check(|| {
        let shared = Arc::new((SlotArray::<u8>::new(1), Holds::<1>::new(1)));
        let (segments, holds) = &*shared;
        let state = segments.get_or_grow(index(0)).state();
        let (word, link) = (LiveState::new(0, index(0)), Link::to(index(1)));
        state.publish(word);
        assert!(state.unlink(word, link));
        let late = spawn(&shared, |(segments, holds)| {
            if segments.get_or_grow(index(0)).state().load().generation() == 1 {
                holds.look(0);
            }
        });
        holds.give(0);
        state.vacate_in_place(state.load_own());
        late.join().unwrap();
        assert_eq!(state.load_own(), State::vacant(1, link));
    });
}
