//! The verbs of tables whose values are taken once: `OnceTable`.

use std::hint::black_box;

use handle_table::{CallError, Handle, HandleError, OnceTable};

use crate::{
    accounts::{fault, Expected, Kind, BAD_HANDLES, CALL_PANICS, STALE},
    random::Rng,
    tables::{Entry, Onces},
    typed::{discard, handle},
    value::{is_private, Soaked, Token},
    worker::{judge, judge_dead, Worker},
};

/// One step of a thread.
pub fn step(this: &Onces, me: &mut Worker<'_>) {
    match me.rng.below(32) {
        0..=11 => {
            let entry = insert(this, &mut me.rng, false);
            if let Some(old) = this.pool.put(entry, &mut me.rng) {
                take(this, me, old);
            }
        }
        12..=19 => {
            if let Some(entry) = this.pool.any(&mut me.rng) {
                take(this, me, entry);
            }
        }
        // The other one is drained.
        20..=25 if this.kind == Kind::Once => {
            let entry = insert(this, &mut me.rng, true);
            if !this.table.contains(handle(entry.raw)) {
                fault!("{:?}: a handle is not valid, and nobody has taken it", this.kind);
            }
            take(this, me, entry);
        }
        26..=28 => look_at_dead(this, me),
        29 => {
            let like = this.pool.any(&mut me.rng);
            let (raw, garbage) = me.forge(like);
            let valid = Handle::from_raw(raw).is_ok_and(|handle| this.table.contains(handle));
            if garbage && valid {
                fault!("{:?}: garbage {raw:#x} is valid", this.kind);
            }
        }
        30 if this.kind == Kind::Drained => drain(this, me),
        31 if me.rng.one_in(16) => many(this, me),
        31 if me.rng.one_in(16) => own_table(me),
        _ => _ = black_box((this.table.stats().to_string(), this.table.len())),
    }
}

/// Inserts by any of the verbs.
pub fn insert(this: &Onces, rng: &mut Rng, private: bool) -> Entry {
    let table = &this.table;
    let value = Token::make(this.kind, rng, private);
    let number = value.look();
    let full = || fault!("{:?} is full", this.kind);
    let handle = match rng.below(4) {
        0 => table.try_insert(value).unwrap_or_else(|_| full()),
        1 => table.insert_with(|handle| {
            if table.contains(handle) {
                fault!("{:?}: a handle is valid before its value is there", this.kind);
            }
            value
        }),
        2 => table.try_insert_with(|_| value).unwrap_or_else(|_| full()),
        _ => table.insert(value),
    };
    Entry { raw: handle.to_raw(), number, of: 0 }
}

/// Looks at a value that was taken, and drops it.
fn taken(this: &Onces, value: Token) -> u64 {
    let number = value.look();
    discard(this.kind, value);
    number
}

/// Takes or removes by any of the verbs.
pub fn take(this: &Onces, me: &mut Worker<'_>, entry: Entry) {
    let (table, handle) = (&this.table, handle(entry.raw));
    let (verb, result) = match me.rng.below(6) {
        0 | 1 => ("remove", table.remove(handle).map(|()| entry.number)),
        2 => ("call_once", call_once(this, handle, false)),
        3 => ("call_once", call_once(this, handle, true)),
        4 if is_private(entry.number) => {
            table.destroy(handle.to_ptr());
            ("destroy", Ok(entry.number))
        }
        _ => ("take", table.take(handle).map(|value| taken(this, value))),
    };
    judge(this.kind, verb, entry, result);
    me.bury(this.kind, entry.raw);
}

fn call_once(this: &Onces, handle: Handle<Token>, panics: bool) -> Result<u64, HandleError> {
    let mut number = 0;
    let called = this.table.call_once(handle.to_ptr(), |value| {
        number = taken(this, value);
        if panics {
            CALL_PANICS.add(1);
            std::panic::panic_any(Expected);
        }
    });
    match called {
        Ok(()) if !panics => Ok(number),
        Err(CallError::Panicked) if panics => Ok(number),
        Err(CallError::Handle(error)) => {
            BAD_HANDLES.add(1);
            Err(error)
        }
        _ => fault!("call_once: a panic came or went"),
    }
}

/// A handle that was taken stays so.
fn look_at_dead(this: &Onces, me: &mut Worker<'_>) {
    let (kind, table) = (this.kind, &this.table);
    let Some(raw) = me.dead(kind) else { return };
    let handle = handle(raw);
    STALE.add(1);
    match me.rng.below(4) {
        0 => judge_dead(kind, "take", raw, table.take(handle)),
        1 => judge_dead(kind, "remove", raw, table.remove(handle)),
        2 => {
            BAD_HANDLES.add(1);
            table.destroy(handle.to_ptr());
        }
        _ if table.contains(handle) => fault!("{kind:?}: {raw:#x} was taken, and is valid"),
        _ => {}
    }
}

/// Takes some of the values, or all.
fn drain(this: &Onces, me: &mut Worker<'_>) {
    if !me.rng.one_in(8) {
        return;
    }
    let most = me.rng.below(200);
    for (handle, value) in this.table.drain().take(most) {
        taken(this, value);
        me.bury(this.kind, handle.to_raw());
    }
}

/// So many at once that slots change hands.
fn many(this: &Onces, me: &mut Worker<'_>) {
    let private = this.kind == Kind::Once;
    let count = 1 + me.rng.below(3_000);
    let entries: Vec<_> = (0..count).map(|_| insert(this, &mut me.rng, private)).collect();
    entries.into_iter().for_each(|entry| take(this, me, entry));
}

/// A table that is born and dies, with values in it.
fn own_table(me: &mut Worker<'_>) {
    let table = OnceTable::new();
    for _ in 0..1 + me.rng.below(100) {
        let handle = table.insert(Token::make(Kind::Local, &mut me.rng, false));
        if me.rng.one_in(2) && table.remove(handle).is_err() {
            fault!("a table of its own has lost a handle");
        }
    }
}
