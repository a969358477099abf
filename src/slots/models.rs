//! Slots: when what is in one can be seen.

use std::sync::Arc;

use loom::cell::UnsafeCell;

use super::{Link, LiveWord, Phase, Segments, Word};
use crate::model::{check, index, spawn, Holds};

/// "grow", the exchange of `Segments::grow`: a thread goes on with slots that no one else sees.
#[test]
fn a_segment_is_made_twice() {
    check(|| {
        let shared = Arc::new(Segments::<u8>::new(1));
        let make = |segments: &Segments<u8>| {
            let slot = segments.room(index(0)).slot();
            assert!(segments.get(index(0)).is_some(), "who has made it finds it");
            std::ptr::from_ref(slot).addr()
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
        let word = LiveWord::new(0, index(0));
        let segments = Arc::new(Segments::<Watched>::new(1));
        let _ = segments.room(index(0));
        let maker = spawn(&segments, move |segments| {
            let room = segments.room(index(0));
            // SAFETY: the slot is this thread's until it is published.
            unsafe { room.put(Watched(UnsafeCell::new(7))) };
            room.slot().publish(word);
        });
        let room = segments.room(index(0));
        if room.slot().unlink(word, Link::END) {
            // SAFETY: no one else looks at it or takes it.
            let value = unsafe { room.take() };
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
        let segments = Arc::new(Segments::<u8>::new(1));
        let slot = segments.room(index(0)).slot();
        let word = LiveWord::new(0, index(0));
        slot.publish(word);
        assert!(slot.unlink(word, Link::END));
        let walkers = [0; 2].map(|_| {
            spawn(&segments, |segments| {
                segments.room(index(0)).slot().hollow(0)
            })
        });
        slot.relink(Link::to(index(1)));
        let hollowed = walkers.map(|walker| walker.join().unwrap());
        assert_eq!(hollowed.iter().filter(|done| **done).count(), 1);
        let state = slot.own_state();
        assert_eq!((state.phase(), state.generation()), (Phase::Vacant, 1));
        assert_eq!(state.link(), Link::to(index(1)));
    });
}

/// "delete", `Slot::leave_hollow` without Release: who is told "deleted" by a slot that its batch has left
/// hollow does not see what its deleter did before. Or without the step to the next generation.
#[test]
fn a_hollow_slot_hides_what_its_deleter_did() {
    check(|| {
        let shared = Arc::new((Segments::<u8>::new(1), Holds::<1>::new(1)));
        let (segments, holds) = &*shared;
        let slot = segments.room(index(0)).slot();
        let (word, link) = (LiveWord::new(0, index(0)), Link::to(index(1)));
        slot.publish(word);
        assert!(slot.unlink(word, link));
        let late = spawn(&shared, |(segments, holds)| {
            if segments.room(index(0)).slot().state().generation() == 1 {
                holds.look(0);
            }
        });
        holds.give(0);
        slot.leave_hollow(slot.own_state());
        late.join().unwrap();
        assert_eq!(slot.own_state(), Word::vacant(1, link));
    });
}
