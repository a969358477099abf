//! What the allocator calls: verbs of a table, on values of its own. It leaves none behind.

use std::any::Any;

use handle_table::{readers, AnyTable, Handle, HandleError, HandleTable, OnceTable};

use crate::{calling::check, values::Value};

/// The numbers of its values are beyond those of the lives.
const OURS: usize = 1 << 20;

fn is_deleted<R>(result: Result<R, HandleError>) -> bool {
    matches!(result, Err(HandleError::Deleted { .. }))
}

pub(crate) fn use_handles<V: Value>(table: &HandleTable<V>) {
    let number = |value: &V| value.number();
    let [one, two, three] = [1, 2, 3].map(|n| table.insert(V::new(OURS + n)));
    check(table.get(one).is_ok_and(|value| number(&value) == OURS + 1));
    check(table.call(two.to_ptr(), number) == Ok(OURS + 2));
    let pinned = table.pin();
    let ours = pinned.iter().filter(|(handle, value)| match number(value).checked_sub(OURS) {
        Some(nth) => [one, two, three][nth - 1] == *handle,
        None => false,
    });
    check(ours.count() == 3);
    check(!readers().is_empty());
    drop(pinned);
    check(table.stats().live >= 3);

    check(table.remove(one).is_ok() && is_deleted(table.remove(one)));
    table.flush();
    check(table.remove_now(two).is_ok());
    check(table.retain(|handle, _| handle != three) == 1);
    check([one, two, three].iter().all(|handle| is_deleted(table.get(*handle))));
    let again = table.insert(V::new(OURS + 4));
    check(![one, two, three].contains(&again));
    let last = table.remove_ref(again);
    check(last.is_ok_and(|value| number(&value) == OURS + 4));
    check(table.stats().issued >= 4);
}

pub(crate) fn use_once<V: Value>(table: &OnceTable<V>) {
    let [one, two, three] = [1, 2, 3].map(|n| table.insert(V::new(OURS + n)));
    check(table.contains(one) && table.stats().live >= 3);
    check(table.take(one).is_ok_and(|value| value.number() == OURS + 1));
    check(is_deleted(table.take(one)));
    check(table.call_once(two.to_ptr(), |value| value.number()) == Ok(OURS + 2));
    check(table.remove(three).is_ok() && is_deleted(table.remove(three)));
    let again = table.insert(V::new(OURS + 4));
    check(![one, two, three].contains(&again));
    check(table.remove(again).is_ok() && table.stats().issued >= 4);
}

pub(crate) fn use_any<V: Value>(table: &AnyTable) {
    let [one, two] = [1, 2].map(|n| table.insert(V::new(OURS + n)));
    let three = table.insert("three");
    check(table.get::<V>(one).is_ok_and(|value| value.number() == OURS + 1));
    check(table.call(two.to_ptr(), |value: &V| value.number()) == Ok(OURS + 2));
    check(matches!(table.get::<V>(three), Err(HandleError::WrongType { .. })));
    let ours: [Handle<dyn Any>; 3] = [one, two, three];
    check(table.pin().iter().filter(|(handle, ..)| ours.contains(handle)).count() == 3);
    check(table.stats().live >= 3 && table.stats_by_type().len() >= 2);
    check(table.remove(one).is_ok() && is_deleted(table.remove(one)));
    table.flush();
    check(table.remove_now(two).is_ok());
    check(table.retain(|handle, _| handle != three) == 1);
    check(ours.iter().all(|handle| is_deleted(table.get::<V>(*handle))));
}
