//! Wrong handles of tables of one type, and what takes time for the whole table.

use std::hint::black_box;

use handle_table::Handle;

use crate::{
    accounts::{fault, Kind, BAD_HANDLES, STALE},
    tables::{Typed, BOUND},
    typed::{delete, handle, insert, waited},
    value::{count_gone, is_private, Soaked},
    worker::{from_call, judge, judge_dead, judge_quiesce, Worker},
};

/// A handle that was deleted stays so.
pub fn look_at_dead<T: Soaked>(this: &Typed<T>, me: &mut Worker<'_>) {
    let (kind, table) = (this.kind, &this.table);
    let Some(raw) = me.dead(kind) else { return };
    let handle = handle::<T>(raw);
    STALE.add(1);
    match me.rng.below(8) {
        0 => judge_dead(kind, "pin", raw, table.pin().get(handle)),
        1 => judge_dead(kind, "remove", raw, table.remove(handle)),
        2 => judge_dead(kind, "remove_now", raw, table.remove_now(handle)),
        3 => judge_dead(kind, "call", raw, from_call(kind, table.call(handle.to_ptr(), T::look))),
        4 => judge_dead(
            kind,
            "take",
            raw,
            table
                .take(handle)
                .or_else(|e| waited(kind, Err(e)).map(|()| fault!("{kind:?} take: timed out"))),
        ),
        5 => {
            BAD_HANDLES.add(1);
            table.destroy(handle.to_ptr());
        }
        6 if table.contains(handle) => fault!("{kind:?}: {raw:#x} was deleted, and is valid"),
        _ => judge_dead(kind, "get", raw, table.get(handle)),
    }
}

/// Any word may be asked for. What a damaged handle names is at least a value.
pub fn look_at_forged<T: Soaked>(this: &Typed<T>, me: &mut Worker<'_>) {
    let like = this.pool.any(&mut me.rng);
    let (raw, garbage) = me.forge(like);
    let Ok(handle) = Handle::<T>::from_raw(raw) else { return };
    if this.table.get(handle).is_ok_and(|value| value.look() != 0) && garbage {
        fault!("{:?}: garbage {raw:#x} is valid", this.kind);
    }
    if garbage && this.table.remove(handle).is_ok() {
        fault!("{:?}: garbage {raw:#x} was deleted", this.kind);
    }
}

/// What takes time for the whole table.
pub fn go_through_all<T: Soaked>(this: &Typed<T>, me: &mut Worker<'_>) {
    let (kind, table) = (this.kind, &this.table);
    match me.rng.below(24) {
        0 => {
            for (handle, value) in table.pin().iter() {
                _ = black_box((handle, value.look()));
            }
        }
        1 => {
            let share = me.rng.next();
            let keep = |_, value: &T| is_private(value.look()) || value.look() ^ share & 7 != 0;
            count_gone::<T>(kind, table.retain(keep));
        }
        2 if kind == Kind::Bounded => count_gone::<T>(kind, table.clear()),
        3 => judge_quiesce(kind, table.quiesce()),
        4 => judge_quiesce(kind, table.quiesce_timeout(me.millis(3))),
        5..=8 => _ = table.flush(),
        9 => {
            let stats = table.stats();
            if kind == Kind::Bounded && stats.live > BOUND {
                fault!("{stats}: more than {BOUND} are live");
            }
            _ = black_box((stats.to_string(), table.len(), table.is_empty()));
        }
        10 => many(this, me),
        11 => own_table::<T>(me),
        _ => {
            // Its end deletes it.
            if kind != Kind::Bounded {
                let owned = table.insert_owned(T::make(kind, &mut me.rng, true));
                _ = black_box(owned.get().map(|value| value.look()));
                count_gone::<T>(kind, 1);
            }
        }
    }
}

/// So many at once that batches fill and lists of slots change hands.
fn many<T: Soaked>(this: &Typed<T>, me: &mut Worker<'_>) {
    let count = 1 + me.rng.below(3_000);
    let entries: Vec<_> = (0..count).filter_map(|_| insert(this, &mut me.rng, true)).collect();
    for entry in entries {
        // Not of a table that is cleared.
        if this.kind == Kind::Bounded {
            let removed = this.table.remove(handle(entry.raw)).is_ok();
            count_gone::<T>(this.kind, usize::from(removed));
        } else {
            judge(this.kind, "get", entry, this.table.get(handle(entry.raw)).map(|v| v.look()));
            delete(this, me, entry);
        }
    }
}

/// A table that is born and dies, with values in it.
fn own_table<T: Soaked>(me: &mut Worker<'_>) {
    let this = Typed::<T>::local();
    for _ in 0..1 + me.rng.below(100) {
        if let Some(entry) = insert(&this, &mut me.rng, false) {
            if me.rng.one_in(2) {
                let removed = this.table.remove(handle(entry.raw));
                judge(Kind::Local, "remove", entry, removed.map(|()| entry.number));
                count_gone::<T>(Kind::Local, 1);
            }
        }
    }
    // Trivial values that are live in it are gone with it.
    count_gone::<T>(Kind::Local, this.table.len());
}
