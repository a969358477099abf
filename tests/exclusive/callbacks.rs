//! Callbacks that change their value.

use std::{
    cell::{Cell, RefCell},
    ffi::{c_int, c_void},
    ptr,
};

use handle_table::{CallError, Exclusive, Handle, HandleError, HandleTable, RefMut};

use crate::{assert_busy, kinds};

#[test]
fn a_callback_changes_its_value() {
    for table in kinds() {
        let handle = table.insert(Exclusive::new(vec![1]));
        assert_eq!(table.call_mut(handle.to_ptr(), |list| list.push(2)), Ok(()));
        assert_eq!(table.call_mut(handle.to_ptr(), |list| list.len()), Ok(2));
        table.get_mut(handle).unwrap().push(3);
        assert_eq!(*table.get_mut(handle).unwrap(), [1, 2, 3]);
    }
}

/// C's: calls back for each of `n` rows, and stops at the first error.
fn for_each_row(
    n: c_int,
    f: extern "C" fn(c_int, *mut c_void) -> c_int,
    data: *mut c_void,
) -> c_int {
    (1..=n).map(|row| f(row, data)).find(|code| *code != 0).unwrap_or(0)
}

static ROWS: HandleTable<Exclusive<Vec<c_int>>> = HandleTable::new();

/// For an even row, calls C with half of it, which calls this again with one row less.
extern "C" fn on_row(row: c_int, data: *mut c_void) -> c_int {
    let run = |rows: &mut Vec<c_int>| {
        rows.push(row);
        let inner = if row % 2 == 0 { for_each_row(row / 2, on_row, data) } else { 0 };
        rows.push(-row);
        inner
    };
    ROWS.call_mut(data, run).unwrap_or_else(|error| error.code())
}

/// A callback that calls itself back must not get a second `&mut`.
#[test]
fn a_callback_that_calls_itself_back_is_busy() {
    let handle = ROWS.insert(Exclusive::new(Vec::new()));
    let busy = HandleError::Busy { raw: handle.to_raw() };
    assert_eq!(for_each_row(1, on_row, handle.to_ptr()), 0);
    assert_eq!(for_each_row(4, on_row, handle.to_ptr()), busy.code());
    assert_eq!(*ROWS.get_mut(handle).unwrap(), [1, -1, 1, -1, 2, -2]);

    // Another value of the table is not.
    let other = ROWS.insert(Exclusive::new(Vec::new()));
    let inner = ROWS.call_mut(handle.to_ptr(), |_| on_row(1, other.to_ptr()));
    assert_eq!(inner, Ok(0));
}

#[test]
fn whatever_c_sends_gets_its_error() {
    for table in kinds() {
        let handle = table.insert(Exclusive::new(7));
        let stale = table.insert(Exclusive::new(8));
        table.remove(stale).unwrap();
        let call = |data: *mut c_void| match table.call_mut(data, |number| *number) {
            Err(CallError::Handle(error)) => error,
            other => panic!("{other:?}"),
        };

        assert_eq!(call(ptr::null_mut()), HandleError::Null);
        assert_eq!(call(ptr::without_provenance_mut(42)), HandleError::Unknown { raw: 42 });
        assert!(matches!(call(stale.to_ptr()), HandleError::Deleted { .. }));
        let borrowed = table.get_mut(handle).unwrap();
        assert_eq!(call(handle.to_ptr()), HandleError::Busy { raw: handle.to_raw() });
        drop(borrowed);
        let forged = Handle::from_raw(42).unwrap();
        assert_eq!(table.get_mut(forged).unwrap_err(), HandleError::Unknown { raw: 42 });

        assert_eq!(table.call_mut(handle.to_ptr(), |number| *number), Ok(7));
        let stats = table.stats();
        assert_eq!((stats.bad_handles, stats.call_panics), (4, 0), "each is counted once");
    }
}

#[test]
fn a_panic_in_a_callback_ends_its_borrow() {
    for table in kinds() {
        let handle = table.insert(Exclusive::new(vec![1]));
        let outcome = table.call_mut(handle.to_ptr(), |list| {
            list.push(2);
            if list.len() == 2 {
                panic!("in the middle");
            }
        });
        assert_eq!(outcome, Err(CallError::Panicked));
        assert_eq!(*table.get_mut(handle).unwrap(), [1, 2], "as the panic has left it");
        let stats = table.stats();
        assert_eq!((stats.bad_handles, stats.call_panics), (0, 1));
    }
}

/// No two threads see such a value at once, so it need not be `Sync`.
#[test]
fn values_need_not_be_sync() {
    let table = HandleTable::new();
    let handle = table.insert(Exclusive::new((Cell::new(1), RefCell::new(vec![2]))));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let value = table.get_mut(handle).unwrap();
            value.0.set(3);
            value.1.borrow_mut().push(4);
        });
    });
    let seen = table.call_mut(handle.to_ptr(), |value| (value.0.get(), value.1.take()));
    assert_eq!(seen, Ok((3, vec![2, 4])));
}

#[test]
fn other_verbs_see_the_cell() {
    for table in kinds() {
        let handles = [1, 2, 3].map(|number| table.insert(Exclusive::new(number)));
        let borrowed = table.get_mut(handles[1]).unwrap();

        let is_free = |cell: &Exclusive<i32>| cell.try_borrow_mut().is_some();
        assert_eq!(table.call(handles[0].to_ptr(), is_free), Ok(true));
        assert_eq!(table.call(handles[1].to_ptr(), is_free), Ok(false));
        assert!(is_free(&table.get(handles[2]).unwrap()));
        let in_signal = table.get_in_signal(handles[2], |cell| *cell.try_borrow_mut().unwrap());
        assert_eq!(in_signal, Ok(3));
        let pinned = table.pin();
        assert_eq!(pinned.iter().filter(|(_, cell)| is_free(cell)).count(), 2);
        assert_eq!(table.retain(|_, cell| is_free(cell)), 1, "that which is borrowed");

        assert_eq!(*borrowed, 2);
        drop((borrowed, pinned));
        assert_eq!(table.len(), 2);
    }
}

#[test]
fn a_part_of_a_value_keeps_the_whole_busy() {
    for table in kinds() {
        let handle = table.insert(Exclusive::new((vec![1], String::from("text"))));
        let list = RefMut::map(table.get_mut(handle).unwrap(), |pair| &mut pair.0);
        let mut first = RefMut::try_map(list, |list| list.first_mut().ok_or(())).unwrap();
        *first = 2;
        assert_eq!(format!("{first:?} {first}"), "2 2");
        assert_eq!((*first.as_ref(), *first.as_mut()), (2, 2));
        assert_busy(&table, handle);
        drop(first);

        let missing = RefMut::try_map(table.get_mut(handle).unwrap(), |pair| {
            assert_busy(&table, handle);
            pair.0.get_mut(1).ok_or("too short")
        });
        assert_eq!(missing.err(), Some("too short"));
        assert_eq!(table.get_mut(handle).unwrap().0, [2]);
    }
}

#[test]
fn a_table_of_any_type_borrows_by_the_cell() {
    let handle = Handle::new(Exclusive::new(String::from("one")));
    let value = handle.value::<Exclusive<String>>();
    value.try_borrow_mut().unwrap().push_str(", two");
    let borrowed = value.try_borrow_mut().unwrap();
    assert!(handle.value::<Exclusive<String>>().try_borrow_mut().is_none());
    handle.delete();
    assert_eq!(*borrowed, "one, two", "deleted, and not yet dropped");
}
