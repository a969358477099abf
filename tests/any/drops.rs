//! Each value is dropped once, in whichever way it goes.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use handle_table::{destroy_callback, AnyTable, CallError, Operation};

use crate::{
    allocated::allocated,
    common::{on_new_thread, scaled, Census, Witness},
    kinds, reports_of,
    serial::serial,
    Aligned, Large, Value,
};

#[test]
fn the_drop_of_a_table_drops_the_values_of_all_types() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for table in kinds() {
        for number in 0..100 {
            let (one, two, three) = (
                table.insert(CENSUS.witness(number)),
                table.insert(Large::new(CENSUS.witness(number))),
                table.insert(Aligned::new(CENSUS.witness(number))),
            );
            match number % 4 {
                0 => table.remove(one).unwrap(),
                1 => table.remove_as::<Large>(two).unwrap(),
                2 => assert_eq!(table.remove_ref::<Aligned>(three).unwrap().number(), number),
                _ => {}
            }
        }
        assert_eq!(table.len(), 225);
        drop(table);
        CENSUS.assert_all_dropped_once();
    }
    assert_eq!(CENSUS.made(), 4 * 300);
}

/// The boxes of 20,000 values would take 80 MiB, if they were not freed.
#[test]
fn boxes_are_freed_in_whichever_way_a_value_goes() {
    type Page = [u8; 4096];
    type Go = fn(&AnyTable);
    const PAGE: Page = [7; 4096];
    const LIMIT: usize = 10 << 20;
    let ways: [Go; 5] = [
        |table| table.remove(table.insert(PAGE)).unwrap(),
        |table| assert_eq!(*table.remove_ref::<Page>(table.insert(PAGE)).unwrap(), PAGE),
        |table| assert_eq!(table.take::<Page>(table.insert(PAGE)), Ok(PAGE)),
        |_| _ = AnyTable::builder().shards(1).build().insert(PAGE),
        |_| {
            let full = AnyTable::builder().shards(1).max_handles(0).build();
            assert_eq!(full.try_insert(PAGE).unwrap_err().into_inner(), PAGE);
        },
    ];
    let _serial = serial();
    let table = AnyTable::new();
    for (nth, go) in ways.into_iter().enumerate() {
        let before = allocated();
        (0..scaled(20_000)).for_each(|_| go(&table));
        assert!(allocated() < before + LIMIT, "way {nth}: {} bytes", allocated() - before);
    }
}

#[test]
fn the_last_reader_drops_the_value() {
    fn test<V: Value>(witness: Witness, census: &Census) {
        let table = AnyTable::new();
        let number = witness.look();
        let handle = table.insert(V::new(witness));
        let value = table.get::<V>(handle).unwrap();
        on_new_thread(|| table.remove_as::<V>(handle).unwrap());
        assert_eq!((value.number(), census.left(), table.stats().pending), (number, 1, 1));
        drop(value);
        assert_eq!((census.left(), table.stats().pending), (0, 0));
    }
    let _serial = serial();
    static CENSUS: Census = Census::new();
    test::<Witness>(CENSUS.witness(1), &CENSUS);
    test::<Large>(CENSUS.witness(2), &CENSUS);
    test::<Aligned>(CENSUS.witness(3), &CENSUS);
    CENSUS.assert_all_dropped_once();
}

/// The look at the type must not be in the way of the drop.
#[test]
fn a_delete_of_one_type_drops_the_value_at_once() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    let table = AnyTable::new();
    let handles = [table.insert(CENSUS.witness(1)), table.insert(CENSUS.witness(2))];
    table.remove_as::<Witness>(handles[0]).unwrap();
    assert_eq!(CENSUS.left(), 1);
    drop(table.remove_ref::<Witness>(handles[1]));
    assert_eq!(CENSUS.left(), 0);
    CENSUS.assert_all_dropped_once();
}

#[test]
fn a_batch_drops_values_of_all_types_together() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    static TABLE: AnyTable = AnyTable::builder().batch(4).build();
    let delete = |number| {
        let witness = CENSUS.witness(number);
        let handle =
            if number % 2 == 0 { TABLE.insert(witness) } else { TABLE.insert(Large::new(witness)) };
        TABLE.remove(handle).unwrap();
    };
    (0..3).for_each(delete);
    assert_eq!((CENSUS.left(), TABLE.stats().pending), (3, 3));
    delete(3);
    assert_eq!((CENSUS.left(), TABLE.stats().pending), (0, 0));
    // Numbers wait as all others do.
    TABLE.remove(TABLE.insert(7)).unwrap();
    delete(5);
    assert_eq!((TABLE.stats().pending, TABLE.flush(), CENSUS.left()), (2, 2, 0));
    // A delete that goes by no batch.
    assert_eq!(TABLE.remove_now(TABLE.insert(CENSUS.witness(6))), Ok(true));
    CENSUS.assert_all_dropped_once();
}

struct Bomb(#[allow(dead_code)] Witness);

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("in a drop");
    }
}

/// A box whose value panics in its drop is freed, and what else is in it is dropped.
struct LargeBomb(#[allow(dead_code)] Bomb, #[allow(dead_code)] [Witness; 3]);

#[test]
fn a_drop_that_panics_is_reported_once_and_goes_no_further() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    static TABLE: AnyTable = AnyTable::new();
    let bomb = || Bomb(CENSUS.witness(0));
    let large = || LargeBomb(bomb(), [1, 2, 3].map(|number| CENSUS.witness(number)));
    let bombs = [TABLE.insert(bomb()), TABLE.insert(large()), TABLE.insert(large())];
    let (reports, ()) = reports_of(|| {
        TABLE.remove(bombs[0]).unwrap();
        TABLE.remove_as::<LargeBomb>(bombs[1]).unwrap();
        // SAFETY: any word is safe to delete.
        unsafe {
            destroy_callback!(TABLE)(bombs[2].to_ptr());
        }
    });
    CENSUS.assert_all_dropped_once();
    assert_eq!((TABLE.stats().drop_panics, TABLE.stats().bad_handles), (3, 0));
    assert_eq!(reports.len(), 3);
    for report in reports {
        assert_eq!((report.operation, report.error), (Operation::Drop, CallError::Panicked));
        assert_eq!(report.panic.as_deref(), Some("in a drop"));
        assert!(report.type_name.ends_with("AnyValue"), "{}", report.type_name);
    }
}

/// A value that uses its table when it is dropped: deletes one of another type, and inserts one.
struct Parent(handle_table::Handle<dyn std::any::Any>, #[allow(dead_code)] Witness);

static FAMILY: AnyTable = AnyTable::new();
static ORPHANS: AtomicUsize = AtomicUsize::new(0);

impl Drop for Parent {
    fn drop(&mut self) {
        if FAMILY.remove_as::<Large>(self.0).is_ok() {
            let orphan = FAMILY.insert(ORPHANS.fetch_add(1, Relaxed));
            assert_eq!(FAMILY.remove(orphan), Ok(()));
        }
    }
}

#[test]
fn a_drop_may_use_the_table() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for number in 0..100 {
        let child = FAMILY.insert(Large::new(CENSUS.witness(number)));
        let parent = FAMILY.insert(Parent(child, CENSUS.witness(number)));
        FAMILY.remove(parent).unwrap();
        assert_eq!(CENSUS.left(), 0);
    }
    CENSUS.assert_all_dropped_once();
    let stats = FAMILY.stats();
    assert_eq!((ORPHANS.load(Relaxed), stats.live, stats.drop_panics), (100, 0, 0));
}
