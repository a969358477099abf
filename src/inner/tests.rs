//! The verbs of a body, from inside: forged states, sweeps beside trivial values, exhausted slots.

use super::{
    body::{Inner, Limits},
    key::Key,
};
use crate::{
    config::{batch_limit, INDEX_BITS, KEY_MASK, LAST_GENERATION},
    epoch::Ticket,
    error::{HandleError, QuiesceError},
    handle::Handle,
    slots::LiveState,
};

fn four_shards<T>() -> Inner<T> {
    Inner::new(Limits { shards: 4, ..Limits::DEFAULT })
}

fn insert<T>(inner: &Inner<T>, value: T) -> Handle {
    match inner.insert(|| value) {
        Ok(handle) => handle,
        Err(_) => panic!("the table is not full"),
    }
}

/// Deletes, or returns why the handle is invalid.
fn delete<T>(inner: &Inner<T>, handle: Handle) -> Result<(), HandleError> {
    let deleted = inner.delete(handle).map(drop);
    deleted.ok_or_else(|| inner.lookup().explain(handle))
}

/// The bits of the state that a handle stands for.
fn bits_of<T>(inner: &Inner<T>, handle: Handle) -> usize {
    handle.into_raw() ^ key_bits(inner)
}

/// The handle that stands for a state with these bits, forged.
fn handle_at<T>(inner: &Inner<T>, bits: usize) -> Result<Handle, HandleError> {
    Handle::from_raw(bits ^ key_bits(inner))
}

/// What the key changes: the handle of a state of zeroes, less the fixed bit.
fn key_bits<T>(inner: &Inner<T>) -> usize {
    let Some(zeroes) = LiveState::checked(1 << (usize::BITS - 1)) else {
        unreachable!("the top bit is set");
    };
    inner.handle(zeroes).into_raw() & KEY_MASK
}

#[test]
fn a_handle_is_the_state_of_its_slot_under_the_key() {
    let inner = four_shards();
    let handle = insert(&inner, 1);
    let live = LiveState::checked(bits_of(&inner, handle)).map(|live| inner.handle(live));
    assert_eq!(live, Some(handle));
    assert_ne!(Key::random(), Key::random());
}

#[test]
fn errors_tell_deleted_from_never_issued() -> Result<(), HandleError> {
    let inner = four_shards();
    let handle = insert(&inner, 1);
    let later = handle_at(&inner, bits_of(&inner, handle) + (1 << INDEX_BITS))?;
    assert!(inner.lookup().find(handle).is_some_and(|found| found.is_valid()));
    assert_eq!(delete(&inner, later), Err(HandleError::Unknown));

    assert_eq!(delete(&inner, handle), Ok(()));
    let deleted = HandleError::Deleted { raw: handle.into_raw() };
    assert_eq!(delete(&inner, handle), Err(deleted));
    assert_eq!(delete(&inner, later), Err(HandleError::Unknown));

    // The fixed bits are part of a handle, whatever the rest says.
    for top in [0b00, 0b01, 0b11] {
        let bits = bits_of(&inner, handle) & KEY_MASK | top << (usize::BITS - 2);
        let forged = handle_at(&inner, bits)?;
        assert_eq!(delete(&inner, forged), Err(HandleError::Unknown));
    }

    // A place past the end of its segment has no slot.
    for bit in 1..inner.slots.layout().place_bits() {
        let forged = handle_at(&inner, bits_of(&inner, handle) ^ 1 << bit)?;
        assert_eq!(delete(&inner, forged), Err(HandleError::Unknown));
    }
    Ok(())
}

#[test]
fn the_states_of_free_slots_are_not_handles() -> Result<(), HandleError> {
    let inner = four_shards();
    for _ in 0..40 {
        let handle = insert(&inner, 1);
        assert_eq!(delete(&inner, handle), Ok(()));
    }
    for slot in inner.used_slots() {
        if let Ok(forged) = handle_at(&inner, slot.state().load().bits()) {
            assert_eq!(delete(&inner, forged), Err(HandleError::Unknown));
        }
    }
    Ok(())
}

#[test]
fn trivial_values_wait_for_no_sweep() -> Result<(), QuiesceError> {
    let inner = four_shards();
    let handles = [0; 3].map(|number| insert(&inner, number));
    let _sweep = inner.sweep_lock.lock();
    assert!(inner.delete(handles[0]).is_some());
    inner.flush();
    assert!(inner.delete(handles[1]).is_some());
    inner.quiesce()?;
    assert!(inner.delete_now(handles[2]).is_some());
    assert_eq!((inner.len(), inner.stats().live), (0, 0));
    Ok(())
}

#[test]
fn a_slot_is_exhausted_when_its_last_handle_is_deleted() {
    use_up(|| 7, |inner| assert_eq!(inner.quiesce(), Ok(())));
    // With a destructor: the batch drops the values here, where `quiesce` would.
    let reclaim = |inner: &Inner<String>| {
        let grace = Ticket::take();
        while !grace.advance_patiently() {}
        inner.reclaim_all();
    };
    use_up(|| String::from("seven"), reclaim);
}

fn use_up<T>(make: impl Fn() -> T, reclaim: impl Fn(&Inner<T>)) {
    let inner = four_shards();
    // Full batches, so that they are reused in place.
    let slots = batch_limit::<T>();
    for _ in 0..=LAST_GENERATION {
        assert_eq!(inner.stats().exhausted, 0);
        let handles: Vec<_> = (0..slots).map(|_| insert(&inner, make())).collect();
        for handle in handles {
            assert!(inner.delete(handle).is_some());
        }
        reclaim(&inner);
    }
    let stats = inner.stats();
    assert_eq!((stats.exhausted, stats.pending), (slots, 0), "{stats}");
    insert(&inner, make());
    assert_eq!(inner.stats().exhausted, slots);
}
