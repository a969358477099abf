//! The verbs of tables of any type.

use std::{any::Any, hint::black_box, sync::Arc, time::Duration};

use handle_table::{Handle, HandleError};

use crate::{
    accounts::{fault, Kind, BAD_HANDLES, STALE},
    random::Rng,
    tables::{Anys, Entry},
    typed::{discard, waited},
    value::{is_private, Large, Soaked, Token},
    worker::{from_call, judge, judge_dead, judge_quiesce, Worker},
};

/// Calls a function for the type of an entry.
macro_rules! of_type {
    ($of:expr, $f:ident($($argument:expr),*)) => {
        match $of {
            0 => $f::<Token>($($argument),*),
            1 => $f::<Arc<Token>>($($argument),*),
            _ => $f::<Large>($($argument),*),
        }
    };
}
pub(crate) use of_type;

/// One step of a thread.
pub fn step(this: &Anys, me: &mut Worker<'_>) {
    let known = this.pool.any(&mut me.rng);
    match (me.rng.below(32), known) {
        (0..=9, _) | (_, None) => {
            let of = me.rng.below(3);
            if let Some(entry) = of_type!(of, insert(this, &mut me.rng, of, false)) {
                if let Some(old) = this.pool.put(entry, &mut me.rng) {
                    of_type!(old.of, delete(this, me, old));
                }
            }
        }
        (10..=19, Some(entry)) => of_type!(entry.of, look(this, me, entry)),
        (20..=22, Some(entry)) => of_type!(entry.of, delete(this, me, entry)),
        (23..=25, _) => {
            let of = me.rng.below(3);
            if let Some(entry) = of_type!(of, insert(this, &mut me.rng, of, true)) {
                of_type!(entry.of, look(this, me, entry));
                of_type!(entry.of, delete(this, me, entry));
            }
        }
        (26..=28, _) => look_at_dead(this, me),
        (29..=30, like) => {
            let (raw, garbage) = me.forge(like);
            let Ok(handle) = Handle::<dyn Any>::from_raw(raw) else { return };
            if of_type!(me.rng.below(3), is_valid(this, handle)) && garbage {
                fault!("{:?}: garbage {raw:#x} is valid", this.kind);
            }
        }
        _ => go_through_all(this, me),
    }
}

fn is_valid<T: Soaked>(this: &Anys, handle: Handle<dyn Any>) -> bool {
    this.table().get::<T>(handle).is_ok_and(|value| value.look() != 0)
}

/// Inserts by any of the verbs. `None` if its maker failed.
pub fn insert<T: Soaked>(this: &Anys, rng: &mut Rng, of: usize, private: bool) -> Option<Entry> {
    let table = this.table();
    let value = T::make(this.kind, rng, private);
    let number = value.look();
    let handle = match rng.below(6) {
        0 => table.try_insert(value).unwrap_or_else(|_| fault!("{:?} is full", this.kind)),
        1 => table.insert_with(|handle| {
            if table.contains(handle) {
                fault!("{:?}: a handle is valid before its value is there", this.kind);
            }
            value
        }),
        2 if rng.one_in(4) => {
            let failed = table.try_insert_with_result(|_| Err::<T, _>(value));
            match failed {
                Err(handle_table::InsertError::Failed(value)) => discard(this.kind, value),
                _ => fault!("{:?}: an insert without a value", this.kind),
            }
            return None;
        }
        3 => table.reserve().fill(value),
        4 => table.insert_owned(value).into_handle(),
        _ => table.insert(value),
    };
    Some(Entry { raw: handle.to_raw(), number, of })
}

pub fn handle(raw: usize) -> Handle<dyn Any> {
    Handle::from_raw(raw).unwrap_or_else(|_| fault!("a handle of zero"))
}

/// Looks by any of the verbs.
pub fn look<T: Soaked>(this: &Anys, me: &mut Worker<'_>, entry: Entry) {
    let (kind, table, handle) = (this.kind, this.table(), handle(entry.raw));
    let (verb, result) = match me.rng.below(7) {
        0 => ("pin", table.pin().get::<T>(handle).map(T::look)),
        1 => ("call", from_call(kind, table.call(handle.to_ptr(), T::look))),
        2 => ("get_in_signal", table.get_in_signal(handle, T::look)),
        3 => match table.get::<String>(handle) {
            Err(HandleError::WrongType { .. }) => return,
            Err(error) => ("get", Err(error)),
            Ok(_) => fault!("{kind:?}: a value of a type that was never inserted"),
        },
        4 => {
            let called = table.call_catching(handle.to_ptr(), T::look);
            let caught = |_| fault!("{kind:?}: a panic that nobody raised");
            ("call_catching", called.map(|number| number.unwrap_or_else(caught)))
        }
        5 if entry.of == 1 => ("cloned", table.cloned::<Arc<Token>>(handle).map(|v| v.look())),
        _ => ("get", table.get::<T>(handle).map(|value| value.look())),
    };
    judge(kind, verb, entry, result);
}

/// Deletes by any of the verbs.
pub fn delete<T: Soaked>(this: &Anys, me: &mut Worker<'_>, entry: Entry) {
    let (kind, table, handle) = (this.kind, this.table(), handle(entry.raw));
    let (verb, result) = match me.rng.below(10) {
        0 | 1 => ("remove_now", table.remove_now(handle).map(|_| entry.number)),
        2 => ("remove_ref", table.remove_ref::<T>(handle).map(|value| value.look())),
        3 => ("remove_as", table.remove_as::<T>(handle).map(|()| entry.number)),
        4 if me.rng.one_in(8) => {
            ("remove_wait", waited(kind, table.remove_wait(handle)).map(|()| entry.number))
        }
        5 if me.rng.one_in(4) => {
            let result = table.remove_wait_timeout(handle, Duration::from_millis(1));
            ("remove_wait_timeout", waited(kind, result).map(|()| entry.number))
        }
        6 if me.rng.one_in(8) => match table.take::<T>(handle) {
            Ok(value) => {
                let number = value.look();
                discard(kind, value);
                ("take", Ok(number))
            }
            Err(error) => ("take", waited(kind, Err(error)).map(|()| entry.number)),
        },
        7 if is_private(entry.number) => {
            table.destroy(handle.to_ptr());
            ("destroy", Ok(entry.number))
        }
        _ => ("remove", table.remove(handle).map(|()| entry.number)),
    };
    judge(kind, verb, entry, result);
    me.bury(kind, entry.raw);
}

/// A handle that was deleted stays so.
fn look_at_dead(this: &Anys, me: &mut Worker<'_>) {
    let (kind, table) = (this.kind, this.table());
    let Some(raw) = me.dead(kind) else { return };
    let handle = handle(raw);
    STALE.add(1);
    match me.rng.below(6) {
        0 => judge_dead(kind, "pin", raw, table.pin().get::<Token>(handle)),
        1 => judge_dead(kind, "remove", raw, table.remove(handle)),
        2 => judge_dead(kind, "remove_now", raw, table.remove_now(handle)),
        3 => {
            let called = table.call(handle.to_ptr(), Token::look);
            judge_dead(kind, "call", raw, from_call(kind, called));
        }
        4 => {
            BAD_HANDLES.add(1);
            table.destroy(handle.to_ptr());
        }
        _ if table.contains(handle) => fault!("{kind:?}: {raw:#x} was deleted, and is valid"),
        _ => judge_dead(kind, "get", raw, table.get::<Large>(handle)),
    }
}

/// The number of a value of any type.
fn number(any: &(dyn Any + Send + Sync), kind: Kind) -> u64 {
    let token = any.downcast_ref().map(Token::look);
    let shared = || any.downcast_ref::<Arc<Token>>().map(Soaked::look);
    let large = || any.downcast_ref().map(Large::look);
    let others = || fault!("{kind:?}: a value of a type that was never inserted");
    token.or_else(shared).or_else(large).unwrap_or_else(others)
}

/// What takes time for the whole table.
fn go_through_all(this: &Anys, me: &mut Worker<'_>) {
    let (kind, table) = (this.kind, this.table());
    match me.rng.below(16) {
        0 => table.pin().iter().for_each(|(_, any)| _ = black_box(number(any, kind))),
        1 => {
            let share = me.rng.next();
            let keep = |number| is_private(number) || number ^ share & 7 != 0;
            _ = table.retain(|_, any| keep(number(any, kind)));
        }
        2 => judge_quiesce(kind, table.quiesce()),
        3 => judge_quiesce(kind, table.quiesce_timeout(me.millis(3))),
        4..=6 => _ = table.flush(),
        7 => _ = black_box((table.stats().to_string(), table.stats_by_type().len())),
        8 => {
            let entries = (0..1 + me.rng.below(500)).filter_map(|_| {
                let of = me.rng.below(3);
                of_type!(of, insert(this, &mut me.rng, of, true))
            });
            for entry in entries.collect::<Vec<_>>() {
                of_type!(entry.of, delete(this, me, entry));
            }
        }
        _ => {
            // Its end deletes it.
            let owned = table.insert_owned(Token::make(kind, &mut me.rng, true));
            _ = black_box(owned.get().map(|value| value.look()));
        }
    }
}
