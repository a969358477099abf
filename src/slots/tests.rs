//! A slot's whole life, through the array that it lies in.

use super::{Link, LiveState, SlotArray, State};
use crate::{config::LAST_GENERATION, epoch};

#[test]
fn a_slot_lives_through_all_its_generations_and_then_no_more() {
    let segments = SlotArray::<String>::new(1);
    let index = segments.layout().index(0, 0);
    let slot = segments.get_or_grow(index);
    let state = slot.state();
    let guard = epoch::pin();
    let mut words = Vec::new();
    for generation in 0..=LAST_GENERATION {
        let word = LiveState::new(generation, index);
        assert!(slot.read(word, &guard).is_none(), "before it is published");
        // SAFETY: no one else uses the slot.
        unsafe { slot.write(format!("{generation}")) };
        state.publish(word);
        assert_eq!(slot.read(word, &guard), Some(&format!("{generation}")));

        assert!(state.unlink(word, Link::END));
        assert!(!state.unlink(word, Link::END), "once");
        assert_eq!(state.load_own(), word.limbo(Link::END));
        // SAFETY: no other thread is here, and what was read is not used any more.
        unsafe { slot.drop_value() };
        let more = state.vacate(generation + 1, Link::END);
        assert_eq!(more, generation < LAST_GENERATION);
        words.push(word);
    }
    assert_eq!(state.load_own(), State::EXHAUSTED);
    for word in words {
        assert!(slot.read(word, &guard).is_none());
        assert!(!state.unlink(word, Link::END));
    }
}

#[test]
fn a_hollow_slot_keeps_its_link_and_says_deleted() {
    let segments = SlotArray::<u8>::new(1);
    let (index, next) = (segments.layout().index(0, 0), segments.layout().index(1, 0));
    let state = segments.get_or_grow(index).state();
    for generation in 0..=LAST_GENERATION {
        let word = LiveState::new(generation, index);
        state.publish(word);
        assert!(state.unlink(word, Link::END));
        assert!(state.try_vacate_in_place(generation));
        assert!(!state.try_vacate_in_place(generation), "once");
        state.relink(Link::to(next));
        assert_eq!(
            state.load_own(),
            State::vacant(generation + 1, Link::to(next))
        );
        state.vacate(generation + 1, Link::END);
    }
    assert_eq!(state.load_own(), State::EXHAUSTED);
}
