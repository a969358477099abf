//! A slot's whole life, through the array that it lies in.

use super::{Link, LiveWord, Segments, Word};
use crate::{config::LAST_GENERATION, epoch};

#[test]
fn a_slot_lives_through_all_its_generations_and_then_no_more() {
    let segments = Segments::<String>::new(1);
    let index = segments.shape().index(0, 0);
    let room = segments.room(index);
    let slot = room.slot();
    let guard = epoch::pin();
    let mut words = Vec::new();
    for generation in 0..=LAST_GENERATION {
        let word = LiveWord::new(generation, index);
        assert!(room.read(word, &guard).is_none(), "before it is published");
        // SAFETY: no one else uses the slot.
        unsafe { room.put(format!("{generation}")) };
        slot.publish(word);
        assert_eq!(room.read(word, &guard), Some(&format!("{generation}")));

        assert!(slot.unlink(word, Link::END));
        assert!(!slot.unlink(word, Link::END), "once");
        assert_eq!(slot.own_state(), word.limbo(Link::END));
        // SAFETY: no other thread is here, and what was read is not used any more.
        unsafe { room.drop_value() };
        let more = slot.vacate(generation + 1, Link::END);
        assert_eq!(more, generation < LAST_GENERATION);
        words.push(word);
    }
    assert_eq!(slot.own_state(), Word::RETIRED);
    for word in words {
        assert!(room.read(word, &guard).is_none());
        assert!(!slot.unlink(word, Link::END));
    }
}

#[test]
fn a_hollow_slot_keeps_its_link_and_says_deleted() {
    let segments = Segments::<u8>::new(1);
    let (index, next) = (segments.shape().index(0, 0), segments.shape().index(1, 0));
    let slot = segments.room(index).slot();
    for generation in 0..=LAST_GENERATION {
        let word = LiveWord::new(generation, index);
        slot.publish(word);
        assert!(slot.unlink(word, Link::END));
        assert!(slot.hollow(generation));
        assert!(!slot.hollow(generation), "once");
        slot.relink(Link::to(next));
        assert_eq!(
            slot.own_state(),
            Word::vacant(generation + 1, Link::to(next))
        );
        slot.vacate(generation + 1, Link::END);
    }
    assert_eq!(slot.own_state(), Word::RETIRED);
}
