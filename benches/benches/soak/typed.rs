//! The verbs of tables of one type, for one value; `rare.rs` has what takes a whole table.

use std::{ffi::c_void, hint::black_box, time::Duration};

use handle_table::{CallError, Handle, HandleError, InsertError, WaitError};

use crate::{
    accounts::{fault, Expected, Kind, CALL_PANICS},
    random::Rng,
    rare::{go_through_all, look_at_dead, look_at_forged},
    tables::{Entry, Typed},
    value::{count_gone, is_private, Soaked},
    worker::{from_call, judge, Worker},
};

/// One step of a thread.
pub fn step<T: Soaked>(this: &Typed<T>, me: &mut Worker<'_>) {
    match me.rng.below(32) {
        0..=9 => publish(this, me),
        10..=19 => {
            if let Some(entry) = this.pool.any(&mut me.rng) {
                look(this, me, entry);
            }
        }
        20..=22 => {
            if let Some(entry) = this.pool.any(&mut me.rng) {
                delete(this, me, entry);
            }
        }
        23..=25 => {
            if let Some(entry) = insert(this, &mut me.rng, true) {
                look(this, me, entry);
                delete(this, me, entry);
                // Others keep it too.
                me.bury(this.kind, entry.raw);
            }
        }
        26..=28 => look_at_dead(this, me),
        29..=30 => look_at_forged(this, me),
        _ => go_through_all(this, me),
    }
}

/// Inserts what all threads know, and deletes what they knew in its place.
pub fn publish<T: Soaked>(this: &Typed<T>, me: &mut Worker<'_>) {
    if let Some(entry) = insert(this, &mut me.rng, false) {
        if let Some(old) = this.pool.put(entry, &mut me.rng) {
            delete(this, me, old);
        }
    }
}

/// A value that no table has taken, or that one has given back.
pub fn discard<T: Soaked>(kind: Kind, value: T) {
    value.disarm();
    count_gone::<T>(kind, 1);
}

/// Inserts by any of the verbs. `None` if the table is full, or if its maker failed.
pub fn insert<T: Soaked>(this: &Typed<T>, rng: &mut Rng, private: bool) -> Option<Entry> {
    let (kind, table) = (this.kind, &this.table);
    let value = T::make(kind, rng, private);
    let number = value.look();
    let full = |value| {
        discard(kind, value);
        if kind != Kind::Bounded {
            fault!("{kind:?}: the table is full");
        }
    };
    let verb = if kind == Kind::Bounded { 1 + rng.below(4) } else { rng.below(6) };
    let handle = match verb {
        1 => table.try_insert(value).map_err(|error| full(error.into_inner())).ok(),
        2 => {
            let mut value = Some(value);
            let make = |handle| {
                if table.contains(handle) {
                    fault!("{kind:?}: a handle is valid before its value is there");
                }
                value.take().unwrap_or_else(|| fault!("{kind:?}: a value was made twice"))
            };
            let made = table.try_insert_with(make).ok();
            if let Some(value) = value {
                full(value);
            }
            made
        }
        3 => {
            let fails = rng.one_in(4);
            let mut value = Some(value);
            let make = |_| value.take_if(|_| !fails).ok_or(());
            let made = match table.try_insert_with_result(make) {
                Ok(handle) => Some(handle),
                Err(InsertError::Failed(())) if fails => None,
                Err(InsertError::Full(_)) if kind == Kind::Bounded => None,
                Err(_) => fault!("{kind:?}: an insert failed, and its maker did not"),
            };
            if let Some(value) = value {
                discard(kind, value);
            }
            made
        }
        4 => match table.try_reserve() {
            Ok(reserved) if rng.one_in(4) => {
                drop(reserved);
                discard(kind, value);
                None
            }
            Ok(reserved) => {
                let handle = reserved.handle();
                if table.get(handle).is_ok() || reserved.fill(value) != handle {
                    fault!("{kind:?}: a reserved handle was valid, or is another one");
                }
                Some(handle)
            }
            Err(_) => {
                full(value);
                None
            }
        },
        5 => Some(table.insert_owned(value).into_handle()),
        _ => Some(table.insert(value)),
    };
    handle.map(|handle| Entry { raw: handle.to_raw(), number, of: 0 })
}

pub fn handle<T>(raw: usize) -> Handle<T> {
    Handle::from_raw(raw).unwrap_or_else(|_| fault!("a handle of zero"))
}

/// Looks by any of the verbs.
pub fn look<T: Soaked>(this: &Typed<T>, me: &mut Worker<'_>, entry: Entry) {
    let (kind, table) = (this.kind, &this.table);
    let handle = handle::<T>(entry.raw);
    let (verb, result) = match me.rng.below(8) {
        6 => {
            let called = table.call_catching(handle.to_ptr(), T::look);
            let caught = |_| fault!("{kind:?}: a panic that nobody raised");
            ("call_catching", called.map(|number| number.unwrap_or_else(caught)))
        }
        0 => ("pin", table.pin().get(handle).map(T::look)),
        1 => {
            let mut pinned = table.pin();
            _ = black_box(pinned.get(handle).map(T::look));
            pinned.repin();
            ("repin", pinned.get(handle).map(T::look))
        }
        2 => ("call", from_call(kind, table.call(handle.to_ptr(), T::look))),
        3 => ("get_in_signal", table.get_in_signal(handle, T::look)),
        4 => ("call", panic_in_call(this, handle.to_ptr())),
        5 if !table.contains(handle) => match table.get(handle) {
            Ok(_) => fault!("{kind:?}: {:#x} is valid after it was not", entry.raw),
            Err(error) => ("contains", Err(error)),
        },
        _ => ("get", table.get(handle).map(|value| value.look())),
    };
    judge(kind, verb, entry, result);
}

/// A closure that panics.
fn panic_in_call<T: Soaked>(this: &Typed<T>, word: *mut c_void) -> Result<u64, HandleError> {
    let mut number = 0;
    let result = this.table.call(word, |value| {
        number = value.look();
        if number & 7 == 0 {
            CALL_PANICS.add(1);
            std::panic::panic_any(Expected);
        }
    });
    match result {
        Err(CallError::Panicked) if number & 7 == 0 => Ok(number),
        result => from_call(this.kind, result).map(|()| number),
    }
}

/// The verbs for values that can be cloned.
pub fn look_cloned<T: Soaked + Clone>(this: &Typed<T>, me: &mut Worker<'_>) {
    let Some(entry) = this.pool.any(&mut me.rng) else { return };
    let handle = handle::<T>(entry.raw);
    let result = if me.rng.one_in(2) {
        this.table.cloned(handle).map(|value| value.look())
    } else {
        from_call(this.kind, this.table.call_cloned(handle.to_ptr(), T::look))
    };
    judge(this.kind, "cloned", entry, result);
}

/// Deletes by any of the verbs.
pub fn delete<T: Soaked>(this: &Typed<T>, me: &mut Worker<'_>, entry: Entry) {
    let (kind, table) = (this.kind, &this.table);
    let handle = handle::<T>(entry.raw);
    let (verb, result) = match me.rng.below(10) {
        0 | 1 => ("remove_now", table.remove_now(handle).map(|_| ())),
        2 | 3 => {
            let removed = table.remove_ref(handle).map(|value| value.look());
            if removed.is_ok_and(|number| number != entry.number) {
                fault!("{kind:?} remove_ref: another value");
            }
            ("remove_ref", removed.map(|_| ()))
        }
        4 if !me.holds && me.rng.one_in(8) => {
            ("remove_wait", waited(kind, table.remove_wait(handle)))
        }
        5 if !me.holds && me.rng.one_in(4) => {
            let timeout = Duration::from_millis(1);
            ("remove_wait_timeout", waited(kind, table.remove_wait_timeout(handle, timeout)))
        }
        6 if !me.holds && me.rng.one_in(8) => match table.take(handle) {
            Ok(value) => {
                let number = value.look();
                discard(kind, value);
                judge(kind, "take", entry, Ok(number));
                return me.bury(kind, entry.raw);
            }
            Err(error) => ("take", waited(kind, Err(error))),
        },
        7 if is_private(entry.number) => {
            table.destroy(handle.to_ptr());
            ("destroy", Ok(()))
        }
        _ => ("remove", table.remove(handle)),
    };
    if judge(kind, verb, entry, result.map(|()| entry.number)) {
        count_gone::<T>(kind, 1);
    }
    me.bury(kind, entry.raw);
}

/// Checks the answer of a delete that waits, of a thread that holds nothing.
pub fn waited(kind: Kind, result: Result<(), WaitError>) -> Result<(), HandleError> {
    match result {
        Ok(()) | Err(WaitError::TimedOut) => Ok(()),
        Err(WaitError::Handle(error)) => Err(error),
        Err(error) => fault!("{kind:?} remove_wait: {error}"),
    }
}
