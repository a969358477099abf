//! Every verb of a table, for places where a table may be used although little else may.

use handle_table::{Handle, HandleError, HandleTable, InsertError};

/// Calls every verb but `quiesce`, on values that only this call knows: `make(n)` is a value from
/// which `number_of` reads `n`.
///
/// Returns the names of the verbs that gave a wrong answer. It does not panic by itself, since a
/// panic in a `Drop` is caught by the table, and one at a thread's end aborts the process.
pub(crate) fn use_every_verb<T: Send + Sync + 'static>(
    table: &HandleTable<T>,
    make: impl Fn(usize) -> T,
    number_of: impl Fn(&T) -> usize,
) -> Vec<&'static str> {
    let mut wrong = Vec::new();
    let mut check = |what, is_right: bool| {
        if !is_right {
            wrong.push(what);
        }
    };
    let number_of = &number_of;
    let is = |number| move |value: &T| number_of(value) == number;

    let handles: Vec<_> = (0..300).map(|n| table.insert(make(n))).collect();
    let with = table.insert_with(|me| {
        check("insert_with", !table.contains(me));
        make(300)
    });
    let failed = table.try_insert_with_result(|_| Err::<T, _>(7));
    check("try_insert_with_result", matches!(failed, Err(InsertError::Failed(7))));
    let reserved = table.reserve();
    let filled = reserved.handle();
    let not_yet = table.get(filled).map(drop);
    check("reserve", matches!(not_yet, Err(HandleError::NotYet { .. })));
    check("fill", reserved.fill(make(305)) == filled);
    let dropped = table.reserve().handle();
    let deleted = table.get(dropped).map(drop);
    check("drop of a reserved handle", matches!(deleted, Err(HandleError::Deleted { .. })));
    check("call", table.call(filled.to_ptr(), number_of) == Ok(305));
    table.destroy(filled.to_ptr());
    check("destroy", !table.contains(filled));
    check("len", table.len() >= 301 && !table.is_empty());
    check("stats", table.stats().live >= 301);
    check("contains", table.contains(with));
    check("get", table.get(handles[7]).is_ok_and(|v| is(7)(&v)));
    let pinned = table.pin();
    check("pin", pinned.get(handles[8]).is_ok_and(is(8)));
    let ours = pinned.iter().filter(|(handle, _)| handles.contains(handle));
    check("iter", ours.count() == 300);
    drop(pinned);

    // More deletes than fill a batch.
    let removed = handles[..290].iter().filter(|h| table.remove(**h).is_ok());
    check("remove", removed.count() == 290);
    let again = table.remove(handles[0]);
    check("remove again", matches!(again, Err(HandleError::Deleted { .. })));
    let last = table.remove_ref(handles[290]);
    check("remove_ref", last.is_ok_and(|v| is(290)(&v)));
    check("remove_now", table.remove_now(handles[291]).is_ok());
    table.flush();
    table.retain(|handle, _| !handles.contains(&handle));
    check("retain", handles.iter().all(|h| !table.contains(*h)));
    check("remove after insert_with", table.remove(with).is_ok());

    let process_wide = Handle::new(make(301));
    let value = process_wide.try_value::<T>();
    check("value", value.is_ok_and(|v| is(301)(&v)));
    check("delete", process_wide.try_delete().is_ok());
    let process_wide = Handle::new(make(302));
    check("delete_now", process_wide.try_delete_now().is_ok());
    Handle::flush();

    // A table that is made and dropped here.
    let inner = HandleTable::new();
    let _live = inner.insert(make(303));
    let deleted = inner.insert(make(304));
    check("remove of a new table", inner.remove(deleted).is_ok());
    wrong
}
