//! Words from C that are no handles, or not any more, or another table's: nothing happens.

use handle_table::{AnyTable, CallError, Handle, HandleError, HandleTable};

use crate::{
    common::{Census, Rng, Witness},
    kinds, reports_of,
    serial::serial,
    word, Large, Value,
};

/// Uses a word that names nothing in every way; all say why, and `is_why` says whether it is so.
#[track_caller]
fn assert_invalid(table: &AnyTable, raw: usize, is_why: fn(&HandleError) -> bool) {
    let before = table.stats();
    let (reports, ()) = reports_of(|| {
        if let Ok(handle) = Handle::from_raw(raw) {
            assert!(!table.contains(handle));
            let errors = [
                table.get::<Witness>(handle).err(),
                table.get::<Large>(handle).err(),
                table.cloned::<u8>(handle).err(),
                table.get_in_signal(handle, Witness::look).err(),
                table.pin().get::<Witness>(handle).err(),
                table.remove(handle).err(),
                table.remove_as::<Witness>(handle).err(),
                table.remove_ref::<Witness>(handle).err(),
                table.remove_now(handle).err(),
            ];
            for error in errors {
                assert!(error.is_some_and(|error| is_why(&error)), "{raw:#x}: {error:?}");
            }
        }
        let errors = [
            table.call(word(raw), Witness::look).err(),
            table.call_cloned(word(raw), u8::is_ascii).err(),
            table.call_catching(word(raw), Witness::look).err().map(CallError::Handle),
        ];
        for error in errors {
            let is_why = |error| matches!(error, CallError::Handle(error) if is_why(&error));
            assert!(error.is_some_and(is_why), "{raw:#x}: {error:?}");
        }
        table.destroy(word(raw));
    });
    // One each for `call`, `call_cloned`, and, but for null, `destroy`.
    let expected = if raw == 0 { 2 } else { 3 };
    let after = table.stats();
    assert_eq!((reports.len(), after.bad_handles), (expected, before.bad_handles + expected));
    assert_eq!((after.live, after.pending), (before.live, before.pending));
}

#[test]
fn null_is_no_handle() {
    let _serial = serial();
    for table in kinds() {
        assert_invalid(&table, 0, |error| *error == HandleError::Null);
        let _handle = table.insert(7);
        assert_invalid(&table, 0, |error| *error == HandleError::Null);
    }
}

#[test]
fn garbage_names_nothing() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for table in kinds() {
        let is_unknown = |error: &HandleError| matches!(error, HandleError::Unknown { .. });
        let place = std::ptr::from_ref(&table).addr();
        let fixed = [1, 42, place, usize::MAX, usize::MAX / 2, 1 << (usize::BITS - 1)];
        // Before the first insert.
        fixed.into_iter().for_each(|raw| assert_invalid(&table, raw, is_unknown));

        let small = table.insert(CENSUS.witness(1));
        let large = table.insert(Large::new(CENSUS.witness(2)));
        fixed.into_iter().for_each(|raw| assert_invalid(&table, raw, is_unknown));
        // Neighbours. A flipped bit of one may be that of the other.
        for bit in 0..usize::BITS {
            for raw in [small.to_raw() ^ 1 << bit, large.to_raw() ^ 1 << bit] {
                if raw != small.to_raw() && raw != large.to_raw() {
                    assert_invalid(&table, raw, is_unknown);
                }
            }
        }
        let mut random = Rng(7);
        for _ in 0..100 {
            assert_invalid(&table, random.word() | 1 << (usize::BITS - 2), is_unknown);
        }
        assert_eq!(table.get::<Witness>(small).unwrap().look(), 1);
        assert_eq!(table.get::<Large>(large).unwrap().number(), 2);
    }
    CENSUS.assert_all_dropped_once();
}

#[test]
fn a_stale_handle_names_nothing_also_if_its_slot_is_used_again() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for table in kinds() {
        let mut stale = Vec::new();
        // The values change their types, so a slot gets one of another type.
        for number in 0..20 {
            let witness = CENSUS.witness(number);
            let handle = match number % 2 {
                0 => table.insert(witness),
                _ => table.insert(Large::new(witness)),
            };
            stale.push(handle.to_raw());
            table.remove(handle).unwrap();
        }
        table.quiesce().unwrap();
        let _live = [table.insert(CENSUS.witness(7)), table.insert(7)];
        for raw in stale {
            assert_invalid(&table, raw, |error| matches!(error, HandleError::Deleted { .. }));
        }
    }
    CENSUS.assert_all_dropped_once();
}

#[test]
fn a_handle_of_another_table_names_nothing() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    let is_unknown = |error: &HandleError| matches!(error, HandleError::Unknown { .. });
    let (one, two) = (AnyTable::new(), AnyTable::new());
    let of_type = HandleTable::new();
    let foreign = of_type.insert(CENSUS.witness(1));
    let (first, second) = (one.insert(CENSUS.witness(2)), two.insert(CENSUS.witness(3)));
    assert_invalid(&one, second.to_raw(), is_unknown);
    assert_invalid(&two, first.to_raw(), is_unknown);
    assert_invalid(&one, foreign.to_raw(), is_unknown);
    let process_wide = Handle::new(CENSUS.witness(4));
    assert_invalid(&one, process_wide.to_raw(), is_unknown);
    assert_invalid(AnyTable::global(), first.to_raw(), is_unknown);
    process_wide.delete();
    drop((one, two, of_type));
    CENSUS.assert_all_dropped_once();
}
