//! Deletes of values that are borrowed.

use std::sync::{
    atomic::{AtomicUsize, Ordering::SeqCst},
    Arc,
};

use handle_table::{CallError, Exclusive, Handle, HandleTable};

use crate::{
    assert_deleted,
    common::{on_new_thread, Census, Witness},
    kinds,
};

/// A value that does not lie in its slot, but in a box that is freed when it is dropped.
struct Large(Witness, #[allow(dead_code)] [usize; 32]);

/// Deletes a value in several ways while it is borrowed.
fn delete_while_borrowed<T: Send + 'static>(
    census: &'static Census,
    make: impl Fn() -> T,
    look: impl Fn(&mut T) -> usize + Copy,
) {
    type Delete<T> = fn(&HandleTable<Exclusive<T>>, Handle<Exclusive<T>>);
    let deletes: [Delete<T>; 4] = [
        |table, handle| table.remove(handle).unwrap(),
        |table, handle| assert_eq!(table.remove_now(handle), Ok(false), "it is in use"),
        |table, handle| {
            let last_look = table.remove_ref(handle).unwrap();
            assert!(last_look.try_borrow_mut().is_none(), "still busy");
        },
        |table, _| assert_eq!(table.clear(), 1),
    ];
    for delete in deletes {
        for table in kinds() {
            let handle = table.insert(Exclusive::new(make()));
            let mut value = table.get_mut(handle).unwrap();
            delete(&table, handle);
            assert_deleted(&table, handle);
            table.flush();
            assert_eq!(census.left(), 1, "dropped while it was borrowed");
            assert_eq!(look(&mut value), 7);
            drop(value);
            table.quiesce().unwrap();
            assert_eq!(census.left(), 0);

            // Deleted by another thread, under a callback.
            let handle = table.insert(Exclusive::new(make()));
            let looked = table.call_mut(handle.to_ptr(), |value| {
                on_new_thread(|| table.remove(handle).unwrap());
                table.flush();
                assert_eq!(census.left(), 1, "dropped while it was borrowed");
                look(value)
            });
            assert_eq!(looked, Ok(7));
            table.quiesce().unwrap();
            census.assert_all_dropped_once();
        }
    }
}

#[test]
fn a_small_value_that_is_deleted_while_it_is_borrowed_lives_to_the_end() {
    static CENSUS: Census = Census::new();
    delete_while_borrowed(&CENSUS, || CENSUS.witness(7), |value| value.look());
}

#[test]
fn a_large_value_that_is_deleted_while_it_is_borrowed_lives_to_the_end() {
    static CENSUS: Census = Census::new();
    delete_while_borrowed(&CENSUS, || Large(CENSUS.witness(7), [7; 32]), |value| value.0.look());
}

#[test]
fn a_callback_that_deletes_itself_and_panics_drops_its_value_once() {
    static CENSUS: Census = Census::new();
    for table in kinds() {
        let handle = table.insert(Exclusive::new(CENSUS.witness(7)));
        let outcome: Result<(), _> = table.call_mut(handle.to_ptr(), |value| {
            table.remove(handle).unwrap();
            panic!("number {}", value.look());
        });
        assert_eq!(outcome, Err(CallError::Panicked));
        assert_deleted(&table, handle);
        table.quiesce().unwrap();
        CENSUS.assert_all_dropped_once();
    }
}

#[test]
fn a_replaced_value_is_dropped_in_the_borrow() {
    static CENSUS: Census = Census::new();
    let table = HandleTable::new();
    let handle = table.insert(Exclusive::new(CENSUS.witness(1)));
    let mut value = table.get_mut(handle).unwrap();
    *value = CENSUS.witness(2);
    assert_eq!((CENSUS.made(), CENSUS.dropped(), value.look()), (2, 1, 2));
    drop(value);
    drop(table);
    CENSUS.assert_all_dropped_once();
}

/// The leaked borrow is the cell's own, which pins nothing. A leaked `RefMut` has a test of its
/// own, `isolated/leaked_ref_mut.rs`.
#[test]
fn a_value_that_is_busy_for_good_is_dropped_by_its_delete() {
    static CENSUS: Census = Census::new();
    let table = HandleTable::new();
    let handle = table.insert(Exclusive::new(CENSUS.witness(7)));
    std::mem::forget(table.get(handle).unwrap().try_borrow_mut());
    crate::assert_busy(&table, handle);
    table.remove(handle).unwrap();
    table.quiesce().unwrap();
    CENSUS.assert_all_dropped_once();
}

/// A value that borrows another one in its drop, and counts how often it could.
struct Borrower {
    table: Arc<HandleTable<Exclusive<Vec<u8>>>>,
    other: Handle<Exclusive<Vec<u8>>>,
    borrowed: Arc<AtomicUsize>,
}

impl Drop for Borrower {
    fn drop(&mut self) {
        let pushed = self.table.get_mut(self.other).map(|mut list| list.push(7));
        self.borrowed.fetch_add(usize::from(pushed.is_ok()), SeqCst);
    }
}

/// If the borrow ended after the pin, a `Drop` that the end runs would find the value busy.
#[test]
fn a_drop_that_the_end_of_a_borrow_runs_can_borrow_the_value() {
    let lists = Arc::new(HandleTable::new());
    let list = lists.insert(Exclusive::new(Vec::new()));
    let borrowed = Arc::new(AtomicUsize::new(0));
    let make =
        || Borrower { table: Arc::clone(&lists), other: list, borrowed: Arc::clone(&borrowed) };
    for table in kinds() {
        let handles = [0, 1, 2].map(|_| table.insert(Exclusive::new(make())));
        let mut value = lists.get_mut(list).unwrap();
        value.clear();
        table.remove(handles[0]).unwrap();
        drop(value);
        // If a reader of another test is in the way too, its thread drops what waits, perhaps in
        // the middle of the next borrow.
        table.quiesce().unwrap();
        let removed = lists.call_mut(list.to_ptr(), |_| table.remove(handles[1]));
        assert_eq!(removed, Ok(Ok(())));
        table.quiesce().unwrap();
        let _: Result<(), _> = lists.call_mut(list.to_ptr(), |_| {
            table.remove(handles[2]).unwrap();
            panic!("with something to drop");
        });
        table.quiesce().unwrap();
        assert_eq!(borrowed.swap(0, SeqCst), 3);
        assert_eq!(lists.get_mut(list).unwrap().len(), 3);
    }
}
