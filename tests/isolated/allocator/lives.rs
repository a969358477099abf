//! What is under way while the allocator calls: the life of a table, through all its verbs.

use std::thread;

use handle_table::{AnyTable, Handle, HandleError, HandleTable, InsertError, OnceTable};

use crate::values::Value;

/// More than one segment holds.
const VALUES: usize = 40;
const TEXTS: usize = 5;

/// Whether the counts of a table are its life's alone at each moment, or other threads come with
/// calls from inside the allocator.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Counts {
    Exact,
    AtTheEnd,
}

fn on_new_thread(f: impl FnOnce() + Send) {
    thread::scope(|scope| scope.spawn(f).join().unwrap());
}

fn is_deleted<R>(result: Result<R, HandleError>) -> bool {
    matches!(result, Err(HandleError::Deleted { .. }))
}

pub(crate) fn live_handles<V: Value>(table: &HandleTable<V>, counts: Counts) {
    let assert_len = |len| assert!(counts != Counts::Exact || table.len() == len);
    let number = |value: &V| value.number();
    let handles: Vec<_> = (0..VALUES).map(|n| table.insert(V::new(n))).collect();
    assert_len(VALUES);
    for (n, handle) in handles.iter().enumerate() {
        assert_eq!(table.get(*handle).map(|value| number(&value)), Ok(n));
    }
    let visited = table.pin().iter().filter(|(handle, _)| handles.contains(handle)).count();
    assert_eq!(visited, VALUES);

    // Behind a reader, and without.
    let held = table.get(handles[3]).unwrap();
    handles[..4].iter().for_each(|handle| table.remove(*handle).unwrap());
    assert!(handles[..4].iter().all(|handle| is_deleted(table.get(*handle))));
    assert_eq!(number(&held), 3);
    table.flush();
    drop(held);
    handles[4..8].iter().for_each(|handle| table.remove(*handle).unwrap());
    table.remove_now(handles[8]).unwrap();
    table.remove_wait(handles[9]).unwrap();
    assert_eq!(table.take(handles[10]).unwrap().number(), 10);
    assert_eq!(number(&table.remove_ref(handles[11]).unwrap()), 11);
    assert_len(VALUES - 12);

    let with = table.insert_with(|me| {
        assert!(!table.contains(me));
        V::new(VALUES)
    });
    let failed = table.try_insert_with_result(|_| Err::<V, _>("not made"));
    assert!(matches!(failed, Err(InsertError::Failed("not made"))));
    let reserved = table.reserve();
    let filled = reserved.fill(V::new(VALUES + 1));
    drop(table.reserve());
    drop(table.insert_owned(V::new(VALUES + 2)));
    assert_eq!(table.call(with.to_ptr(), number), Ok(VALUES));
    assert_eq!(table.call(filled.to_ptr(), number), Ok(VALUES + 1));
    table.destroy(with.to_ptr());

    // A thread's first use of a table, its deletes, and its end.
    on_new_thread(|| {
        let ours: Vec<_> = (0..10).map(|n| table.insert(V::new(n))).collect();
        let held = table.get(handles[20]).unwrap();
        handles[20..24].iter().for_each(|handle| table.remove(*handle).unwrap());
        ours[..5].iter().for_each(|handle| table.remove(*handle).unwrap());
        assert_eq!(number(&held), 20);
        drop(held);
        ours[5..].iter().for_each(|handle| table.remove(*handle).unwrap());
    });
    assert_len(VALUES - 15);
    let ours = |handle: &Handle<V>| handles.contains(handle) || *handle == filled;
    assert_eq!(table.retain(|handle, _| !ours(&handle) || handle == filled), VALUES - 16);
    assert_len(1);
    table.remove(filled).unwrap();
    table.quiesce().unwrap();
    assert!(handles.iter().all(|handle| is_deleted(table.get(*handle))));
}

pub(crate) fn live_once<V: Value>(table: &OnceTable<V>, counts: Counts) {
    let assert_len = |len| assert!(counts != Counts::Exact || table.len() == len);
    let handles: Vec<_> = (0..VALUES).map(|n| table.insert(V::new(n))).collect();
    assert_len(VALUES);
    for (n, handle) in handles[..10].iter().enumerate() {
        assert_eq!(table.take(*handle).map(|value| value.number()), Ok(n));
        assert!(is_deleted(table.take(*handle)));
    }
    handles[10..15].iter().for_each(|handle| table.remove(*handle).unwrap());
    let called = table.call_once(handles[15].to_ptr(), |value| value.number());
    assert_eq!(called, Ok(15));
    let with = table.insert_with(|me| {
        assert!(!table.contains(me));
        V::new(VALUES)
    });
    on_new_thread(|| {
        let ours: Vec<_> = (0..10).map(|n| table.insert(V::new(n))).collect();
        handles[16..20].iter().for_each(|handle| table.remove(*handle).unwrap());
        for (n, handle) in ours.iter().enumerate() {
            assert_eq!(table.take(*handle).map(|value| value.number()), Ok(n));
        }
    });
    assert_len(VALUES - 19);
    if counts == Counts::Exact {
        assert_eq!(table.drain().count(), VALUES - 19);
    } else {
        handles[20..].iter().for_each(|handle| table.remove(*handle).unwrap());
        table.remove(with).unwrap();
    }
    assert!(handles.iter().all(|handle| is_deleted(table.take(*handle))));
}

pub(crate) fn live_any<V: Value>(table: &AnyTable, counts: Counts) {
    let assert_len = |len| assert!(counts != Counts::Exact || table.len() == len);
    let handles: Vec<_> = (0..VALUES).map(|n| table.insert(V::new(n))).collect();
    let texts: Vec<_> = (0..TEXTS).map(|n| table.insert(n.to_string())).collect();
    assert_len(VALUES + TEXTS);
    for (n, handle) in handles.iter().enumerate() {
        assert_eq!(table.get::<V>(*handle).map(|value| value.number()), Ok(n));
    }
    for (n, handle) in texts.iter().enumerate() {
        assert_eq!(table.cloned::<String>(*handle), Ok(n.to_string()));
    }
    let held = table.get::<V>(handles[3]).unwrap();
    handles[..4].iter().for_each(|handle| table.remove(*handle).unwrap());
    table.flush();
    assert_eq!(held.number(), 3);
    drop(held);
    handles[4..8].iter().for_each(|handle| table.remove_as::<V>(*handle).unwrap());
    table.remove_now(handles[8]).unwrap();
    table.remove_wait(handles[9]).unwrap();
    assert_eq!(table.take::<V>(handles[10]).unwrap().number(), 10);
    let filled = table.reserve().fill(V::new(VALUES));
    assert_eq!(table.call(filled.to_ptr(), |value: &V| value.number()), Ok(VALUES));
    on_new_thread(|| {
        let ours: Vec<_> = (0..10).map(|n| table.insert(V::new(n))).collect();
        texts.iter().for_each(|handle| table.remove(*handle).unwrap());
        ours.iter().for_each(|handle| table.remove(*handle).unwrap());
    });
    assert_len(VALUES - 10);
    let ours = |handle| handles.contains(&handle) || handle == filled;
    assert_eq!(table.retain(|handle, _| !ours(handle)), VALUES - 10);
    table.quiesce().unwrap();
    assert!(handles.iter().chain(&texts).all(|handle| is_deleted(table.get::<V>(*handle))));
}
