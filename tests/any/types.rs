//! A value is used as what it is, and as nothing else.

use std::{any::Any, rc::Rc, sync::Arc};

use handle_table::{AnyTable, Handle};

use crate::{
    common::{Census, Witness},
    kinds,
    serial::serial,
    types_in, wrong, Large, Value,
};

/// A type with the size of a `u32`, and its bits.
#[derive(Clone, Debug)]
struct Newtype(#[allow(dead_code)] u32);

/// Asks for an `F` as an `E` in every way, and finds it as it was after each.
#[track_caller]
fn assert_refused<E: Clone + 'static, F: 'static>(
    table: &AnyTable,
    handle: Handle<dyn Any>,
    is_alive: impl Fn(&F) -> bool,
) {
    let never = |_: &E| unreachable!("it is no `E`");
    let word = handle.to_ptr();
    let refused = [
        types_in(table.get::<E>(handle).err().unwrap()),
        types_in(table.cloned::<E>(handle).err().unwrap()),
        types_in(table.get_in_signal::<E, ()>(handle, never).unwrap_err()),
        types_in(table.pin().get::<E>(handle).err().unwrap()),
        types_in(table.call::<E, ()>(word, never).unwrap_err()),
        types_in(table.call_cloned::<E, ()>(word, never).unwrap_err()),
        types_in(table.call_catching::<E, ()>(word, never).err().unwrap()),
        types_in(table.remove_as::<E>(handle).unwrap_err()),
        types_in(table.remove_ref::<E>(handle).err().unwrap()),
    ];
    for (nth, types) in refused.into_iter().enumerate() {
        assert_eq!(types, wrong::<E, F>(), "number {nth}");
    }
    assert!(table.get::<F>(handle).is_ok_and(|value| is_alive(&value)));

    let error = table.remove_as::<E>(handle).unwrap_err();
    assert_eq!(error.raw(), Some(handle.to_raw()));
    let (expected, found) = wrong::<E, F>().unwrap();
    let text = error.to_string();
    assert!(
        text.contains(&format!("`{expected}`")) && text.contains(&format!("`{found}`")),
        "{text}"
    );
}

#[test]
fn a_wrong_type_is_told_with_both_names_and_leaves_the_value_alone() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for table in kinds() {
        let small = table.insert(CENSUS.witness(1));
        let large = table.insert(Large::new(CENSUS.witness(2)));
        assert_refused::<u8, Witness>(&table, small, |value| value.look() == 1);
        assert_refused::<[usize; 12], Large>(&table, large, |value| value.number() == 2);
        assert_refused::<String, Large>(&table, large, |value| value.number() == 2);
        assert!(table.remove_as::<Large>(small).is_err());
        assert!(table.remove_as::<Witness>(large).is_err());
        assert_eq!((table.len(), CENSUS.left()), (2, 2));

        table.remove_as::<Witness>(small).unwrap();
        table.remove_as::<Large>(large).unwrap();
        table.flush();
        CENSUS.assert_all_dropped_once();
    }
}

#[test]
fn types_with_equal_bits_are_different() {
    let _serial = serial();
    let table = AnyTable::new();
    let number = table.insert(7_u32);
    assert_refused::<i32, u32>(&table, number, |n| *n == 7);
    assert_refused::<Newtype, u32>(&table, number, |n| *n == 7);
    assert_refused::<[u32; 1], u32>(&table, number, |n| *n == 7);
    let newtype = table.insert(Newtype(7));
    assert_refused::<u32, Newtype>(&table, newtype, |n| n.0 == 7);
    let unit = table.insert(());
    assert_refused::<[u8; 0], ()>(&table, unit, |()| true);
    let text = table.insert("text");
    assert_refused::<String, &str>(&table, text, |text| *text == "text");
}

/// A box in the table is the box, not what is in it.
#[test]
fn pointers_are_not_what_they_point_to() {
    let _serial = serial();
    let table = AnyTable::new();
    let boxed = table.insert(Box::new(7_u32));
    assert_refused::<u32, Box<u32>>(&table, boxed, |n| **n == 7);
    let shared = table.insert(Arc::new(7_u32));
    assert_refused::<u32, Arc<u32>>(&table, shared, |n| **n == 7);
    let any: Box<dyn Any + Send + Sync> = Box::new(7_u32);
    let any = table.insert(any);
    type BoxedAny = Box<dyn Any + Send + Sync>;
    assert_refused::<u32, BoxedAny>(&table, any, |any| any.downcast_ref() == Some(&7_u32));
}

/// A look-up may name a type that no table could hold: it is another type, and that is all.
#[test]
fn a_type_that_no_thread_may_share_can_be_asked_for() {
    let _serial = serial();
    let table = AnyTable::new();
    let handle = table.insert(7_u32);
    assert_refused::<Rc<u32>, u32>(&table, handle, |n| *n == 7);
    assert_refused::<*const u32, u32>(&table, handle, |n| *n == 7);
}

#[test]
fn functions_and_closures_are_values_too() {
    let _serial = serial();
    let table = AnyTable::new();
    type Add = Box<dyn Fn(i32) -> i32 + Send + Sync>;
    let step = Arc::new(3);
    let captured = Arc::clone(&step);
    let closure: Add = Box::new(move |n| n + *captured);
    let (closure, function) = (table.insert(closure), table.insert(i32::abs as fn(i32) -> i32));
    assert_eq!(table.call(closure.to_ptr(), |add: &Add| add(4)), Ok(7));
    assert_eq!(table.call(function.to_ptr(), |abs: &fn(i32) -> i32| abs(-7)), Ok(7));
    table.remove(closure).unwrap();
    assert_eq!(Arc::strong_count(&step), 1);
}

/// Types that would fit into three words, but not at any address.
#[test]
fn values_with_a_large_alignment_have_it() {
    #[repr(align(64))]
    struct Nothing;
    #[repr(align(16))]
    struct TwoWords(u64);

    let _serial = serial();
    let table = AnyTable::new();
    for number in 0..50 {
        let (nothing, two) = (table.insert(Nothing), table.insert(TwoWords(number)));
        let place = std::ptr::from_ref(&*table.get::<Nothing>(nothing).unwrap()).addr();
        assert_eq!(place % 64, 0);
        let two = table.get::<TwoWords>(two).unwrap();
        assert_eq!((std::ptr::from_ref(&*two).addr() % 16, two.0), (0, number));
    }
}
