//! What `remove_now`, `flush`, `retain` and `clear` say that they have done.

use handle_table::{Handle, HandleError, HandleTable};

use crate::{
    assert_empty,
    common::{table_kinds, Census, Witness},
    leak,
    serial::serial,
    Reader,
};

#[test]
fn remove_now_says_whether_the_value_is_gone() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for table in table_kinds().map(leak) {
        let insert = || table.insert(CENSUS.witness(7));
        let handle = insert();
        assert_eq!((table.remove_now(handle), CENSUS.left()), (Ok(true), 0));
        let again = table.remove_now(handle);
        assert!(matches!(again, Err(HandleError::Deleted { .. })), "{again:?}");

        let handle = insert();
        let held = table.get(handle).unwrap();
        assert_eq!((table.remove_now(handle), CENSUS.left()), (Ok(false), 1));
        drop(held);
        assert_eq!(CENSUS.left(), 0);

        let reader = Reader::new(table, None);
        assert_eq!((table.remove_now(insert()), CENSUS.left()), (Ok(false), 1));
        reader.let_go();
        assert_eq!(CENSUS.left(), 0);
        reader.end();
    }
    let handle = Handle::new(CENSUS.witness(7));
    assert_eq!((handle.try_delete_now(), CENSUS.left()), (Ok(true), 0));
}

/// Nobody can tell when such a value is dropped, but whether a reader may still see it.
#[test]
fn remove_now_says_whether_a_value_without_a_destructor_is_out_of_sight() {
    let _serial = serial();
    for table in table_kinds::<u64>().map(leak) {
        assert_eq!(table.remove_now(table.insert(7)), Ok(true));
        let reader = Reader::new(table, None);
        assert_eq!(table.remove_now(table.insert(7)), Ok(false));
        reader.let_go();
        assert_eq!(table.remove_now(table.insert(7)), Ok(true));
        reader.end();
    }
}

#[test]
fn retain_and_clear_say_how_many_they_have_deleted() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    fn check<T: Send + Sync + 'static>(table: &HandleTable<T>, make: impl Fn(usize) -> T) {
        assert_eq!((table.clear(), table.flush()), (0, 0), "before the first insert");
        let handles: Vec<_> = (0..1_000).map(|n| table.insert(make(n))).collect();
        assert_eq!(table.retain(|_, _| true), 0);
        assert_eq!(table.retain(|handle, _| !handles[..300].contains(&handle)), 300);
        // One that another call deletes meanwhile is not counted twice.
        let others =
            table.retain(|handle, _| table.remove(handle).is_err() || handle == handles[0]);
        assert_eq!((others, table.len()), (0, 0));
        let _ = table.insert(make(0));
        assert_eq!((table.clear(), table.clear()), (1, 0));
    }
    for table in table_kinds() {
        check(&table, |n| CENSUS.witness(n));
        assert_empty(&table);
    }
    table_kinds().for_each(|table| check(&table, |n| n));
}

#[test]
fn retain_and_clear_leave_all_to_a_reader_in_the_way() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for table in table_kinds::<Witness>().map(leak) {
        for n in 0..100 {
            let _ = table.insert(CENSUS.witness(n));
        }
        let reader = Reader::new(table, None);
        assert_eq!(table.retain(|_, value| value.look() % 2 == 0), 50);
        assert_eq!((table.clear(), CENSUS.left()), (50, 100));
        assert_eq!(table.flush(), 0, "none may be dropped");
        reader.let_go();
        assert_eq!(CENSUS.left(), 0);
        assert_empty(table);
        reader.end();
    }
}

/// As documented: what a flush has to drop is only what was collected, or has just become free.
#[test]
fn flush_says_how_many_values_it_has_dropped() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for table in table_kinds::<Witness>() {
        for n in 0..100 {
            table.remove(table.insert(CENSUS.witness(n))).unwrap();
        }
        assert_eq!(table.flush(), 0, "they are gone");
        let pinned = table.pin();
        for n in 0..100 {
            table.remove(table.insert(CENSUS.witness(n))).unwrap();
        }
        assert_eq!(table.flush(), 0, "its own guard is in the way");
        drop(pinned);
        assert_eq!((table.flush(), CENSUS.left()), (0, 0));
    }
    let table = HandleTable::new();
    for n in 0..1_000_u64 {
        table.remove(table.insert(n)).unwrap();
    }
    assert!(table.flush() <= 1_000);
    assert_eq!(table.flush(), 0);
}
