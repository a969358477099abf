//! A slot's whole life, through the array that it lies in.

use super::{Link, LiveState, SlotArray, State};
use crate::{config::LAST_GENERATION, epoch};

#[test]
fn a_slot_is_issued_once_for_each_generation() {
    let array = SlotArray::<String>::new(1);
    let index = array.layout().index(0, 0);
    let slot = array.get_or_grow(index);
    let state = slot.state();
    let guard = epoch::pin();
    let mut lives = Vec::new();
    for generation in 0..=LAST_GENERATION {
        let live = LiveState::new(generation, index);
        assert!(slot.read(live, &guard).is_none(), "before it is published");
        // SAFETY: no other thread uses the slot.
        unsafe { slot.write(format!("{generation}")) };
        state.publish(live);
        assert_eq!(slot.read(live, &guard), Some(&format!("{generation}")));

        assert!(state.unlink(live, Link::END));
        assert!(!state.unlink(live, Link::END), "once");
        assert_eq!(state.load_own(), live.limbo(Link::END));
        // SAFETY: no other thread is here, and the reference that was read is not used any more.
        unsafe { slot.drop_value() };
        let more = state.vacate(generation + 1, Link::END);
        assert_eq!(more, generation < LAST_GENERATION);
        lives.push(live);
    }
    assert_eq!(state.load_own(), State::EXHAUSTED);
    for live in lives {
        assert!(slot.read(live, &guard).is_none());
        assert!(!state.unlink(live, Link::END));
    }
}

#[test]
fn a_value_in_limbo_is_claimed_once() {
    let array = SlotArray::<u8>::new(1);
    let (index, next) = (array.layout().index(0, 0), array.layout().index(1, 0));
    let state = array.get_or_grow(index).state();
    for generation in 0..=LAST_GENERATION {
        let live = LiveState::new(generation, index);
        state.publish(live);
        assert!(state.unlink(live, Link::END));
        state.relink(state.load_own(), Link::to(next));
        let limbo = state.load_own();
        assert_eq!(limbo, live.limbo(Link::to(next)));
        assert!(state.try_claim(limbo, index));
        assert!(!state.try_claim(limbo, index), "once");
        assert_eq!(state.load_own(), live.limbo(Link::to(index)));
        state.vacate(generation + 1, Link::END);
    }
    assert_eq!(state.load_own(), State::EXHAUSTED);
}
