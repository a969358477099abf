//! The verbs of `Handle`, over the process-wide table. `any.rs` uses that table too.

use std::sync::Arc;

use handle_table::{Handle, HandleError};

use crate::{
    accounts::{fault, BAD_HANDLES, STALE},
    any::of_type,
    random::Rng,
    tables::{Entry, GLOBAL},
    value::{is_private, Large, Soaked, Token},
    worker::{from_call, judge, judge_dead, judge_quiesce, Worker},
};

/// One step of a thread.
pub fn step(me: &mut Worker<'_>) {
    let known = GLOBAL.pool.any(&mut me.rng);
    match (me.rng.below(16), known) {
        (0..=4, _) | (_, None) => {
            let of = me.rng.below(3);
            let entry = of_type!(of, insert(&mut me.rng, of, false));
            if let Some(old) = GLOBAL.pool.put(entry, &mut me.rng) {
                of_type!(old.of, delete(me, old));
            }
        }
        (5..=9, Some(entry)) => of_type!(entry.of, look(me, entry)),
        (10, Some(entry)) => of_type!(entry.of, delete(me, entry)),
        (11..=13, _) => {
            let of = me.rng.below(3);
            let entry = of_type!(of, insert(&mut me.rng, of, true));
            of_type!(of, look(me, entry));
            of_type!(of, delete(me, entry));
        }
        (14, _) => look_at_dead(me),
        _ if me.rng.one_in(8) => judge_quiesce(GLOBAL.kind, Handle::quiesce()),
        _ => _ = (Handle::flush(), Handle::stats()),
    }
}

fn insert<T: Soaked>(rng: &mut Rng, of: usize, private: bool) -> Entry {
    let value = T::make(GLOBAL.kind, rng, private);
    let number = value.look();
    let handle = match rng.below(3) {
        0 => Handle::new(value),
        1 => Handle::try_new(value).unwrap_or_else(|_| fault!("the process-wide table is full")),
        _ => Handle::new_with(|_| value),
    };
    Entry { raw: handle.to_raw(), number, of }
}

fn handle(raw: usize) -> Handle {
    Handle::from_raw(raw).unwrap_or_else(|_| fault!("a handle of zero"))
}

fn look<T: Soaked>(me: &mut Worker<'_>, entry: Entry) {
    let (kind, handle) = (GLOBAL.kind, handle(entry.raw));
    let (verb, result) = match me.rng.below(6) {
        // It panics if the handle is not valid.
        0 if is_private(entry.number) => ("value", Ok(handle.value::<T>().look())),
        1 => ("value_in_signal", handle.value_in_signal(T::look)),
        2 => ("Handle::call", from_call(kind, Handle::call(handle.to_ptr(), T::look))),
        3 => {
            let called = Handle::call_catching(handle.to_ptr(), T::look);
            let caught = |_| fault!("{kind:?}: a panic that nobody raised");
            ("call_catching", called.map(|number| number.unwrap_or_else(caught)))
        }
        4 if entry.of == 1 => {
            let called = Handle::call_cloned(handle.to_ptr(), |value: &Arc<Token>| value.look());
            ("Handle::call_cloned", from_call(kind, called))
        }
        _ => ("try_value", handle.try_value::<T>().map(|value| value.look())),
    };
    judge(kind, verb, entry, result);
}

fn delete<T: Soaked>(me: &mut Worker<'_>, entry: Entry) {
    let (kind, handle) = (GLOBAL.kind, handle(entry.raw));
    let (verb, result) = match me.rng.below(5) {
        0 if is_private(entry.number) => {
            // It panics if the handle is not valid.
            handle.delete();
            ("delete", Ok(()))
        }
        1 if is_private(entry.number) => {
            // SAFETY: any word is safe to delete.
            unsafe { Handle::destroy(handle.to_ptr()) };
            ("destroy", Ok(()))
        }
        2 => match handle.try_delete_as::<String>() {
            Err(HandleError::WrongType { .. }) => ("try_delete_as", handle.try_delete_as::<T>()),
            Err(error) => ("try_delete_as", Err(error)),
            Ok(()) => fault!("{kind:?}: a value of a type that was never inserted"),
        },
        3 => ("try_delete_now", handle.try_delete_now().map(|_| ())),
        _ => ("try_delete", handle.try_delete()),
    };
    judge(kind, verb, entry, result.map(|()| entry.number));
    me.bury(kind, entry.raw);
}

/// A handle that was deleted stays so.
fn look_at_dead(me: &mut Worker<'_>) {
    let kind = GLOBAL.kind;
    let Some(raw) = me.dead(kind) else { return };
    let handle = handle(raw);
    STALE.add(1);
    match me.rng.below(4) {
        0 => judge_dead(kind, "try_delete", raw, handle.try_delete()),
        1 => judge_dead(kind, "value_in_signal", raw, handle.value_in_signal(Token::look)),
        2 => {
            BAD_HANDLES.add(1);
            // SAFETY: any word is safe to delete.
            unsafe { Handle::destroy(handle.to_ptr()) };
        }
        _ => judge_dead(kind, "try_value", raw, handle.try_value::<Large>()),
    }
}
