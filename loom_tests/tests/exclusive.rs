//! Values that are changed through their handles.
#![cfg(loom)]

use std::sync::Arc;

use handle_table::{Exclusive, Handle, HandleError, HandleTable};
use loom::cell::UnsafeCell;
use loom_tests::{check, is_deleted, race, table_of, Ledger, Tracked};

/// A value that loom watches while it is changed.
struct Sum {
    sum: UnsafeCell<usize>,
    tracked: Tracked,
}

type Table = HandleTable<Exclusive<Sum>>;

impl Sum {
    fn new(ledger: &Ledger) -> Exclusive<Self> {
        Exclusive::new(Self { sum: UnsafeCell::new(0), tracked: ledger.value(7) })
    }

    /// Checks that the value is alive, and adds one.
    #[allow(unsafe_code)] // a cell that loom watches
    fn add(&mut self) -> usize {
        assert_eq!(self.tracked.number(), 7);
        // SAFETY: loom has checked that no other thread has access at the same time.
        self.sum.with_mut(|sum| unsafe {
            *sum += 1;
            *sum
        })
    }
}

/// Adds one, if nobody else has the value. Returns how much it has added.
fn add(table: &Table, handle: Handle<Exclusive<Sum>>) -> usize {
    match table.get_mut(handle) {
        Ok(mut sum) => {
            sum.add();
            1
        }
        Err(HandleError::Busy { .. }) => 0,
        error => {
            assert!(is_deleted(&error));
            0
        }
    }
}

/// Edge "exclusive". Fails if two borrowers have a value at once, or if the second doesn't see what
/// the first has written.
#[test]
fn two_borrowers_have_a_value_one_after_the_other() {
    check(|| {
        let (table, ledger) = (table_of(4), Ledger::new());
        let handle = table.insert(Sum::new(&ledger));
        let (there, here, _idle) =
            race(&table, move |table: &Arc<Table>| add(table, handle), || add(&table, handle));
        assert_ne!(there + here, 0, "one of the two got it");
        assert_eq!(table.get_mut(handle).unwrap().add(), there + here + 1);
        assert_eq!(ledger.alive(), 1);
        drop(table);
        assert_eq!(ledger.alive(), 0);
    });
}

/// Edges "exclusive", "pin" and "turn". Fails if a `RefMut` doesn't keep the guard of its look-up:
/// the value is dropped under its borrower. Also fails if it is dropped twice, or not at all.
#[test]
fn a_value_that_is_deleted_while_it_is_borrowed_is_dropped_after_that() {
    check(|| {
        let (table, ledger) = (table_of(4), Ledger::new());
        let handle = table.insert(Sum::new(&ledger));
        let _idle = race(
            &table,
            move |table: &Arc<Table>| add(table, handle),
            || table.remove(handle).unwrap(),
        );
        assert_eq!((table.stats().pending, ledger.alive()), (0, 0));
    });
}

/// Edge "exclusive". Fails if a `RefMut` ends its guard before its borrow: the flag that it clears
/// then may be that of the slot's next value, which gets two borrowers.
#[test]
fn the_end_of_a_borrow_leaves_the_next_value_of_the_slot_alone() {
    check(|| {
        let table = table_of::<Exclusive<u8>>(4);
        let handle = table.insert(Exclusive::new(1));
        let borrow = move |table: &Arc<HandleTable<Exclusive<u8>>>| drop(table.get_mut(handle));
        let _idle = race(&table, borrow, || {
            table.remove(handle).unwrap();
            let next = table.insert(Exclusive::new(2));
            let _borrowed = table.get_mut(next).unwrap();
            assert!(matches!(table.get_mut(next), Err(HandleError::Busy { .. })));
        });
    });
}
