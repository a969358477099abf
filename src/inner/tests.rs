//! The verbs of a body, from inside: forged states, exhausted slots.

use std::ops::Deref;

use super::{
    body::{Inner, Limits},
    once::OnceInner,
};
use crate::{
    config::{batch_limit, INDEX_BITS, KEY_MASK, LAST_GENERATION, LIVE},
    error::HandleError,
    handle::{Handle, RawHandle},
    slots::LiveState,
    sync::Deadline,
};

/// A body with four shards, whose values are dropped with it.
struct Body<T>(OnceInner<T>);

impl<T> Deref for Body<T> {
    type Target = Inner<T>;

    fn deref(&self) -> &Inner<T> {
        self.0.get_or_make(|| Inner::new(Limits { shards: 4, ..Limits::DEFAULT }))
    }
}

fn four_shards<T>() -> Body<T> {
    Body(OnceInner::new())
}

fn insert<T>(inner: &Inner<T>, value: T) -> RawHandle {
    match inner.insert(|| value) {
        Ok(handle) => handle,
        Err(_) => panic!("the table is not full"),
    }
}

/// Deletes, or returns why the handle is invalid.
fn delete<T>(inner: &Inner<T>, handle: RawHandle) -> Result<(), HandleError> {
    let deleted = inner.delete(handle).map(drop);
    deleted.ok_or_else(|| inner.lookup().explain(handle))
}

/// The answer for a handle that was never issued.
fn unknown(handle: RawHandle) -> Result<(), HandleError> {
    Err(HandleError::Unknown { raw: handle.bits() })
}

/// The bits of the state that a handle stands for.
fn bits_of<T>(inner: &Inner<T>, handle: RawHandle) -> usize {
    inner.lookup().key().live_state(handle).map_or(0, LiveState::bits)
}

/// The handle that stands for a state with these bits, forged.
fn handle_at<T>(inner: &Inner<T>, bits: usize) -> Result<RawHandle, HandleError> {
    // The key changes the phase of no state.
    let live = LiveState::checked(bits | LIVE);
    let handle = live.map_or(0, |live| inner.handle(live).bits());
    Handle::<T>::from_raw(handle & KEY_MASK | bits & !KEY_MASK).map(Handle::raw)
}

#[test]
fn a_handle_is_the_state_of_its_slot_under_the_key() {
    let inner = four_shards();
    let handle = insert(&inner, 1);
    let live = LiveState::checked(bits_of(&inner, handle)).map(|live| inner.handle(live));
    assert_eq!(live, Some(handle));
}

#[test]
fn errors_tell_deleted_from_never_issued() -> Result<(), HandleError> {
    let inner = four_shards();
    let handle = insert(&inner, 1);
    let later = handle_at(&inner, bits_of(&inner, handle) + (1 << INDEX_BITS))?;
    assert!(inner.lookup().find(handle).is_some_and(|found| found.is_valid()));
    assert_eq!(delete(&inner, later), unknown(later));

    assert_eq!(delete(&inner, handle), Ok(()));
    let deleted = HandleError::Deleted { raw: handle.bits() };
    assert_eq!(delete(&inner, handle), Err(deleted));
    assert_eq!(delete(&inner, later), unknown(later));

    // The fixed bits are part of a handle, whatever the rest says.
    for top in [0b00, 0b01, 0b11] {
        let bits = bits_of(&inner, handle) & KEY_MASK | top << (usize::BITS - 2);
        let forged = handle_at(&inner, bits)?;
        assert_eq!(delete(&inner, forged), unknown(forged));
    }

    // A place past the end of its segment has no slot.
    for bit in 1..inner.slots.layout().place_bits() {
        let forged = handle_at(&inner, bits_of(&inner, handle) ^ 1 << bit)?;
        assert_eq!(delete(&inner, forged), unknown(forged));
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
    for (_, slot) in inner.used_slots() {
        if let Ok(forged) = handle_at(&inner, slot.state().load().bits()) {
            assert_eq!(delete(&inner, forged), unknown(forged));
        }
    }
    Ok(())
}

#[test]
fn a_slot_is_exhausted_when_its_last_handle_is_deleted() {
    use_up(|| 7, batch_limit::<i32>());
    use_up(|| String::from("seven"), 1);
}

/// Uses each generation of so many slots up.
fn use_up<T>(make: impl Fn() -> T, slots: usize) {
    let inner = four_shards();
    for _ in 0..=LAST_GENERATION {
        assert_eq!(inner.stats().exhausted, 0);
        let handles: Vec<_> = (0..slots).map(|_| insert(&inner, make())).collect();
        for handle in handles {
            assert!(inner.delete(handle).is_some());
        }
        assert_eq!(inner.quiesce(Deadline::Never), Ok(()));
    }
    let stats = inner.stats();
    assert_eq!((stats.exhausted, stats.pending), (slots, 0), "{stats}");
    insert(&inner, make());
    assert_eq!(inner.stats().exhausted, slots);
}
