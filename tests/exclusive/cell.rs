//! The cell alone.

use std::{
    mem,
    panic::{catch_unwind, AssertUnwindSafe},
    thread,
};

use handle_table::{Exclusive, ExclusiveRefMut};

use crate::common::on_new_thread;

#[test]
fn a_second_borrow_fails_until_the_first_has_ended() {
    let cell = Exclusive::new(1);
    for n in 1..4 {
        let mut first = cell.try_borrow_mut().unwrap();
        assert_eq!(*first, n);
        *first += 1;
        assert!(cell.try_borrow_mut().is_none(), "on the same thread");
        assert!(on_new_thread(|| cell.try_borrow_mut().is_none()), "on another thread");
        drop(first);
    }
    assert_eq!(cell.into_inner(), 4);
}

#[test]
fn a_refused_borrow_leaves_the_first_one_alone() {
    let cell = Exclusive::new(());
    let first = cell.try_borrow_mut();
    for _ in 0..3 {
        assert!(cell.try_borrow_mut().is_none());
    }
    drop(first);
    assert!(cell.try_borrow_mut().is_some());
}

#[test]
fn a_panic_ends_a_borrow_and_leaves_the_value_as_it_is() {
    let cell = Exclusive::new(vec![1]);
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let mut list = cell.try_borrow_mut().unwrap();
        list.push(2);
        panic!("in the middle");
    }));
    assert!(outcome.is_err());
    assert_eq!(*cell.try_borrow_mut().unwrap(), [1, 2]);
}

#[test]
fn a_leaked_borrow_is_busy_for_all_but_the_owner() {
    let mut cell = Exclusive::new(7);
    mem::forget(cell.try_borrow_mut());
    assert!(cell.try_borrow_mut().is_none());
    *cell.get_mut() += 1;
    assert!(cell.try_borrow_mut().is_none(), "`get_mut` is no borrow, and ends none");
    assert_eq!(cell.into_inner(), 8);
}

#[test]
fn a_part_keeps_the_whole_borrowed() {
    let cell = Exclusive::new((1, vec![2, 3]));
    let list = ExclusiveRefMut::map(cell.try_borrow_mut().unwrap(), |pair| &mut pair.1);
    let mut last = ExclusiveRefMut::try_map(list, |list| list.last_mut().ok_or(())).unwrap();
    *last = 4;
    assert!(cell.try_borrow_mut().is_none());
    drop(last);
    assert_eq!(*cell.try_borrow_mut().unwrap(), (1, vec![2, 4]));
}

#[test]
fn a_part_that_is_not_there_ends_the_borrow() {
    let cell = Exclusive::new(Vec::<u8>::new());
    let first = ExclusiveRefMut::try_map(cell.try_borrow_mut().unwrap(), |list| {
        assert!(cell.try_borrow_mut().is_none());
        list.first_mut().ok_or("empty")
    });
    assert_eq!(first.err(), Some("empty"));
    assert!(cell.try_borrow_mut().is_some());
}

#[test]
fn a_panic_in_map_ends_the_borrow() {
    let cell = Exclusive::new(7);
    let map = || ExclusiveRefMut::map(cell.try_borrow_mut().unwrap(), |_| panic!("in `map`"));
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let _part: ExclusiveRefMut<'_, i32> = map();
    }));
    assert!(outcome.is_err());
    assert!(cell.try_borrow_mut().is_some());
}

#[test]
fn debug_shows_the_value_or_that_it_is_busy() {
    let cell = Exclusive::from("text");
    assert_eq!(format!("{cell:?}"), "Exclusive(\"text\")");
    let value = cell.try_borrow_mut().unwrap();
    assert_eq!(format!("{cell:?}"), "Exclusive(<busy>)");
    assert_eq!(format!("{value:?} {value}"), "\"text\" text");
    drop(value);
    assert_eq!(format!("{cell:?}"), "Exclusive(\"text\")");
}

#[test]
fn a_borrow_is_a_reference_of_either_kind() {
    let cell = Exclusive::new(String::from("one"));
    let mut value = cell.try_borrow_mut().unwrap();
    let owned: &mut String = value.as_mut();
    owned.push_str(", two");
    let shared: &String = value.as_ref();
    assert_eq!(shared, "one, two");
    assert_eq!(value.len(), 8);
}

#[test]
fn a_cell_can_be_a_static() {
    static CELL: Exclusive<Vec<u8>> = Exclusive::new(Vec::new());
    thread::spawn(|| CELL.try_borrow_mut().unwrap().push(7)).join().unwrap();
    assert_eq!(*CELL.try_borrow_mut().unwrap(), [7]);
    assert_eq!(Exclusive::<u8>::default().into_inner(), 0);
}
