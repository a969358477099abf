//! Values that change: `Exclusive`.

use handle_table::{CallError, Exclusive, HandleError};

use crate::{
    accounts::{fault, Expected, BAD_HANDLES, CALL_PANICS},
    tables::MUTABLE,
    typed,
    value::Changing,
    worker::{judge, Worker},
};

fn change(value: &mut Changing) -> u64 {
    value.change().unwrap_or_else(|| fault!("two threads have changed a value at once"))
}

/// Changes a value, or finds it busy.
pub fn step(me: &mut Worker<'_>) {
    let Some(entry) = MUTABLE.pool.any(&mut me.rng) else { return };
    let handle = typed::handle::<Exclusive<Changing>>(entry.raw);
    let result = match me.rng.below(3) {
        0 => MUTABLE.table.get_mut(handle).map(|mut value| change(&mut value)),
        1 => MUTABLE
            .table
            .get(handle)
            .map(|cell| cell.try_borrow_mut().map_or(entry.number, |mut value| change(&mut value))),
        _ => {
            let mut number = 0;
            let panics = me.rng.one_in(16);
            let called = MUTABLE.table.call_mut(handle.to_ptr(), |value| {
                number = change(value);
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
                _ => fault!("call_mut: a panic came or went"),
            }
        }
    };
    match result {
        Err(HandleError::Busy { .. }) => {}
        result => _ = judge(MUTABLE.kind, "get_mut", entry, result),
    }
}
