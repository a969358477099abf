//! Passes over a table: values of all types, to be downcast.

use std::{any::Any, collections::HashMap};

use handle_table::{AnyTable, Handle, TypeStats};

use crate::{
    common::{Census, Witness},
    kinds, panic_of,
    serial::serial,
    Large, Value,
};

/// What the tests insert, as text.
fn text_of(value: &(dyn Any + Send + Sync)) -> String {
    if let Some(witness) = value.downcast_ref::<Witness>() {
        format!("witness {}", witness.look())
    } else if let Some(large) = value.downcast_ref::<Large>() {
        format!("large {}", large.number())
    } else if let Some(text) = value.downcast_ref::<&str>() {
        format!("text {text}")
    } else if value.is::<()>() {
        String::from("unit")
    } else {
        String::from("unknown")
    }
}

/// Fills a table with a few values of each type. Returns their handles, with their texts.
fn fill(table: &AnyTable, census: &'static Census) -> HashMap<Handle<dyn Any>, String> {
    let mut all = HashMap::new();
    for number in 0..20 {
        let text: &'static str = if number % 2 == 0 { "even" } else { "odd" };
        all.insert(table.insert(census.witness(number)), format!("witness {number}"));
        all.insert(table.insert(Large::new(census.witness(number))), format!("large {number}"));
        all.insert(table.insert(text), format!("text {text}"));
        all.insert(table.insert(()), String::from("unit"));
    }
    all
}

#[test]
fn an_iteration_sees_the_values_of_all_types_once() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for table in kinds() {
        assert_eq!(table.pin().iter().count(), 0);
        let mut all = fill(&table, &CENSUS);
        let pinned = table.pin();
        let seen: HashMap<_, _> = pinned.iter().map(|(h, value)| (h, text_of(value))).collect();
        assert_eq!((&seen, pinned.iter().count()), (&all, 80));
        drop(pinned);

        // What is deleted is not seen.
        for handle in all.keys().copied().take(30).collect::<Vec<_>>() {
            table.remove(handle).unwrap();
            all.remove(&handle);
        }
        let mut seen = HashMap::new();
        for (handle, value) in &table.pin() {
            assert_eq!(seen.insert(handle, text_of(value)), None, "seen twice");
        }
        assert_eq!(seen, all);
    }
    CENSUS.assert_all_dropped_once();
}

#[test]
fn a_pin_keeps_what_it_has_seen() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    let table = AnyTable::new();
    let mut pinned = table.pin();
    // Also what is inserted after the pin is found.
    let (small, large) =
        (table.insert(CENSUS.witness(1)), table.insert(Large::new(CENSUS.witness(2))));
    let values = (pinned.get::<Witness>(small).unwrap(), pinned.get::<Large>(large).unwrap());
    assert_eq!(table.clear(), 2);
    assert_eq!((values.0.look(), values.1.number(), CENSUS.left()), (1, 2, 2));
    assert!(pinned.get::<Witness>(small).is_err());
    pinned.repin();
    assert_eq!(CENSUS.left(), 0);
    CENSUS.assert_all_dropped_once();
}

#[test]
fn retain_deletes_by_type() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for table in kinds() {
        let all = fill(&table, &CENSUS);
        assert_eq!(CENSUS.left(), 40);
        assert_eq!(
            table.retain(|handle, value| {
                assert_eq!(text_of(value), all[&handle]);
                !value.is::<Large>()
            }),
            20
        );
        assert_eq!((table.len(), CENSUS.left()), (60, 20));
        let is_even = |value: &(dyn Any + Send + Sync)| value.downcast_ref() == Some(&"even");
        assert_eq!(table.retain(|_, value| !is_even(value)), 10);
        assert!(!table.pin().iter().any(|(_, value)| is_even(value) || value.is::<Large>()));
        assert_eq!((table.clear(), CENSUS.left()), (50, 0));
    }
    CENSUS.assert_all_dropped_once();
}

#[test]
fn a_panic_in_retain_leaves_what_was_decided() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    let table = AnyTable::new();
    fill(&table, &CENSUS);
    let mut refused = 0;
    let message = panic_of(|| {
        table.retain(|_, value| {
            assert!(refused < 10, "enough");
            refused += usize::from(value.is::<Witness>());
            !value.is::<Witness>()
        })
    });
    assert_eq!(message, "enough");
    assert_eq!((table.len(), CENSUS.left()), (70, 30));
    drop(table);
    CENSUS.assert_all_dropped_once();
}

/// The counts, as pairs.
fn counts(table: &AnyTable) -> Vec<(&'static str, usize)> {
    let pair = |count: TypeStats| (count.type_name, count.live);
    table.stats_by_type().into_iter().map(pair).collect()
}

#[test]
fn the_types_are_counted_the_most_frequent_first() {
    let _serial = serial();
    for table in kinds() {
        assert_eq!(counts(&table), []);
        let _numbers = [1, 2, 3].map(|number: u32| table.insert(number));
        let texts = ["one", "two"].map(|text| table.insert(text));
        let _large = [table.insert([7_usize; 9]), table.insert([8_usize; 9])];
        let unit = table.insert(());
        // Equally many: by name.
        assert_eq!(counts(&table), [("u32", 3), ("&str", 2), ("[usize; 9]", 2), ("()", 1)]);

        // What is deleted does not count, also if it is still to be dropped.
        let value = table.get::<&str>(texts[0]).unwrap();
        table.remove(texts[0]).unwrap();
        table.remove(unit).unwrap();
        assert_eq!(counts(&table), [("u32", 3), ("[usize; 9]", 2), ("&str", 1)]);
        drop(value);
        assert_eq!(table.stats().live, 6);
        let shown = table.stats_by_type()[0];
        assert_eq!((shown.to_string().as_str(), shown.live), ("3 of u32", 3));
    }
}

/// Two types in two blocks of one function have one name.
#[test]
fn types_of_one_name_are_counted_for_themselves() {
    let _serial = serial();
    let table = AnyTable::new();
    {
        struct Local;
        let _handles = [(); 3].map(|()| table.insert(Local));
    }
    {
        struct Local;
        let _handles = [(); 2].map(|()| table.insert(Local));
    }
    let [one, two] = counts(&table)[..] else { panic!("two types") };
    assert_eq!((one.0, one.1, two.1), (two.0, 3, 2));
}
