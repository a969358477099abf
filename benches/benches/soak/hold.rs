//! Readers that hold a value or a pin for a while, and look at it again.

use std::thread;

use handle_table::{readers, HandleError, QuiesceError, WaitError};

use crate::{
    accounts::fault,
    tables::Typed,
    typed::{self, handle, insert, look},
    value::{count_gone, Soaked},
    worker::{judge, Worker},
};

/// Holds a value, whatever happens to its handle meanwhile.
pub fn a_value<T: Soaked>(this: &Typed<T>, me: &mut Worker<'_>) {
    let Some(entry) = this.pool.any(&mut me.rng) else { return };
    let Ok(value) = this.table.get(handle(entry.raw)) else { return };
    judge(this.kind, "get", entry, Ok(value.look()));
    me.holds = true;
    for _ in 0..me.rng.below(8) {
        typed::publish(this, me);
    }
    rest(me);
    judge(this.kind, "held Ref", entry, Ok(value.look()));
    if me.rng.one_in(4) {
        waits_are_refused(this, me);
    }
    judge(this.kind, "held Ref", entry, Ok(value.look()));
    me.holds = false;
}

/// Holds all values of a table.
pub fn a_pin<T: Soaked>(this: &Typed<T>, me: &mut Worker<'_>) {
    let mut pinned = this.table.pin();
    me.holds = true;
    for _ in 0..1 + me.rng.below(3) {
        let seen: Vec<_> = pinned.iter().map(|(_, value)| (value.look(), value)).take(64).collect();
        for _ in 0..me.rng.below(8) {
            typed::publish(this, me);
        }
        rest(me);
        if seen.iter().any(|(number, value)| *number != value.look()) {
            fault!("{:?}: a value has changed under a pin", this.kind);
        }
        pinned.repin();
    }
    me.holds = false;
}

/// Mostly none, sometimes long.
fn rest(me: &mut Worker<'_>) {
    match me.rng.below(200) {
        0 => thread::sleep(me.millis(150)),
        1..=20 => thread::sleep(me.millis(5)),
        21..=60 => thread::yield_now(),
        61 => _ = readers().len(),
        _ => {}
    }
}

/// A thread that holds something can't wait for itself.
fn waits_are_refused<T: Soaked>(this: &Typed<T>, me: &mut Worker<'_>) {
    let kind = this.kind;
    if this.table.quiesce() != Err(QuiesceError::Pinned) {
        fault!("{kind:?}: a quiesce beside a Ref of its own thread has waited");
    }
    let Some(entry) = insert(this, &mut me.rng, true) else { return };
    let handle = handle(entry.raw);
    let is_bounded = kind == crate::accounts::Kind::Bounded;
    match this.table.take(handle) {
        Err(WaitError::WouldDeadlock) => {}
        Err(WaitError::Handle(HandleError::Deleted { .. })) if is_bounded => return,
        _ => fault!("{kind:?}: take beside a Ref of its own thread has waited"),
    }
    if !is_bounded {
        look(this, me, entry);
    }
    match this.table.remove_wait(handle) {
        Err(WaitError::WouldDeadlock) => count_gone::<T>(kind, 1),
        Err(WaitError::Handle(HandleError::Deleted { .. })) if is_bounded => {}
        _ => fault!("{kind:?}: remove_wait beside a Ref of its own thread has waited"),
    }
    me.bury(kind, entry.raw);
}
