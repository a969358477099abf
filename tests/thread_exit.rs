//! Tables in use while a thread's locals are being destroyed, in whatever order.
#![cfg(not(loom))]

mod common;

use std::{
    cell::{Cell, RefCell},
    sync::{
        atomic::{AtomicUsize, Ordering::SeqCst},
        Mutex,
    },
    thread,
};

use common::{Census, Witness};
use handle_table::{Handle, HandleError, HandleTable, Pinned, QuiesceError, Ref};

/// Runs `f` on a thread, and waits until that has ended with all its thread-locals. (The end of
/// `thread::scope` would not wait for those.)
fn to_the_end(f: impl FnOnce() + Send + 'static) {
    thread::spawn(f).join().unwrap();
}

/// A thread-local whose destructor runs this.
struct AtExit(Cell<Option<Box<dyn FnOnce()>>>);

impl Drop for AtExit {
    fn drop(&mut self) {
        if let Some(f) = self.0.take() {
            f();
        }
    }
}

thread_local! {
    static AT_EXIT: AtExit = const { AtExit(Cell::new(None)) };
}

/// Destructors run newest first, so one that is registered before the thread's first use of a
/// table finds the crate's own thread-locals gone, and one registered after finds them there.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Order {
    Before,
    After,
    /// The destructor is itself the thread's first use of any table.
    Never,
}

const ORDERS: [Order; 3] = [Order::Before, Order::After, Order::Never];

/// Runs `f` in a thread-local's destructor.
fn in_destructor(order: Order, f: impl FnOnce() + Send + 'static) {
    static ANY: HandleTable<u8> = HandleTable::new();
    to_the_end(move || {
        let use_a_table = || ANY.remove(ANY.insert(0)).unwrap();
        if order == Order::After {
            use_a_table();
        }
        AT_EXIT.with(|at_exit| at_exit.0.set(Some(Box::new(f))));
        if order == Order::Before {
            use_a_table();
        }
    });
}

type Table = HandleTable<Witness>;

/// Every verb; the results, since a panic in a destructor would abort.
fn use_it_all(table: &Table, census: &'static Census) -> Vec<(&'static str, bool)> {
    let handles: Vec<_> = (0..300).map(|n| table.insert(census.witness(n))).collect();
    let with = table.insert_with(|_| census.witness(300));
    let pinned = table.pin();
    let mut results = vec![
        ("get", table.get(handles[7]).is_ok_and(|w| w.look() == 7)),
        (
            "pinned",
            pinned.get(handles[8]).is_ok_and(|w| w.look() == 8),
        ),
        (
            "iter",
            pinned.iter().filter(|(h, _)| handles.contains(h)).count() == 300,
        ),
        ("contains", table.contains(with)),
    ];
    drop(pinned);
    let removed = handles[..290].iter().filter(|h| table.remove(**h).is_ok());
    results.push(("remove", removed.count() == 290));
    let last = table
        .remove_ref(handles[290])
        .is_ok_and(|w| w.look() == 290);
    results.push(("remove_ref", last));
    results.push(("remove_now", table.remove_now(handles[291]).is_ok()));
    table.retain(|handle, _| !handles.contains(&handle));
    results.push(("retain", handles.iter().all(|h| !table.contains(*h))));
    let deleted = table.remove(handles[0]);
    results.push(("again", matches!(deleted, Err(HandleError::Deleted { .. }))));
    results.push(("remove with", table.remove(with).is_ok()));
    table.flush();
    let global = Handle::new(census.witness(301));
    results.push((
        "value",
        global.try_value::<Witness>().is_ok_and(|w| w.look() == 301),
    ));
    results.push(("delete", global.try_delete().is_ok()));
    results.push((
        "delete now",
        Handle::new(census.witness(302)).try_delete_now().is_ok(),
    ));
    Handle::flush();
    results
}

#[test]
fn a_table_fails_in_a_destructor_of_a_thread_local() {
    static CENSUS: Census = Census::new();
    static TABLES: [Table; 3] = [
        HandleTable::new(),
        HandleTable::builder().shards(1).build(),
        HandleTable::builder().shards(2).max_handles(1000).build(),
    ];
    static RESULTS: Mutex<Vec<(Order, &str, bool)>> = Mutex::new(Vec::new());
    for order in ORDERS {
        for table in &TABLES {
            for _ in 0..5 {
                in_destructor(order, move || {
                    let results = use_it_all(table, &CENSUS);
                    let results = results.into_iter().map(|(what, ok)| (order, what, ok));
                    RESULTS.lock().unwrap().extend(results);
                });
            }
        }
    }
    let results = RESULTS.lock().unwrap();
    assert_eq!(results.len(), 3 * 3 * 5 * 13);
    for (order, what, ok) in results.iter() {
        assert!(ok, "{what} {order:?}");
    }
    for table in &TABLES {
        table.quiesce().unwrap();
        let stats = table.stats();
        assert_eq!((stats.live, stats.pending, stats.drop_panics), (0, 0, 0));
    }
    Handle::quiesce().unwrap();
    CENSUS.assert_all_dropped_once();
}

#[test]
fn quiesce_in_a_destructor_waits_for_its_own_thread() {
    static TABLE: Table = HandleTable::new();
    static CENSUS: Census = Census::new();
    static RESULTS: Mutex<Vec<Result<(), QuiesceError>>> = Mutex::new(Vec::new());
    for order in ORDERS {
        in_destructor(order, || {
            let handle = TABLE.insert(CENSUS.witness(0));
            let removed = TABLE.remove(handle);
            RESULTS.lock().unwrap().push(removed.map_or(
                Err(QuiesceError::Pinned), // Not what is expected below.
                |()| TABLE.quiesce(),
            ));
        });
    }
    let expected = [Err(QuiesceError::ThreadEnding), Ok(()), Ok(())];
    assert_eq!(*RESULTS.lock().unwrap(), expected);
    TABLE.quiesce().unwrap();
    CENSUS.assert_all_dropped_once();
}

#[test]
fn a_thread_that_used_a_table_at_its_end_keeps_a_lease_or_a_pin() {
    static TABLE: HandleTable<usize> = HandleTable::builder().shards(2).build();
    static DONE: AtomicUsize = AtomicUsize::new(0);
    for n in 0..500 {
        in_destructor(ORDERS[n % 3], move || {
            let handle = TABLE.insert(n);
            if TABLE.get(handle).is_ok_and(|value| *value == n) && TABLE.remove(handle).is_ok() {
                DONE.fetch_add(1, SeqCst);
            }
        });
    }
    assert_eq!(DONE.load(SeqCst), 500);
    // A thread that was pinned for ever would let this wait for ever.
    TABLE.quiesce().unwrap();
    let stats = TABLE.stats();
    assert_eq!((stats.live, stats.pending), (0, 0), "{stats}");
    assert!(stats.vacant < 600, "slots are used again: {stats}");
}

thread_local! {
    static HELD: RefCell<Vec<Held>> = const { RefCell::new(Vec::new()) };
}

/// What outlives the crate's own thread-locals, and looks at its value once more.
enum Held {
    Ref(Ref<'static, Witness>),
    Pinned(Pinned<'static, Witness>, Handle),
}

impl Drop for Held {
    fn drop(&mut self) {
        let seen = match self {
            Self::Ref(value) => Some(value.look()),
            Self::Pinned(pinned, handle) => pinned.get(*handle).ok().map(Witness::look),
        };
        SEEN.lock().unwrap().push(seen);
    }
}

static SEEN: Mutex<Vec<Option<usize>>> = Mutex::new(Vec::new());

#[test]
fn a_ref_that_outlives_the_threads_own_state_loses_its_value() {
    static TABLE: Table = HandleTable::new();
    static CENSUS: Census = Census::new();
    let kept = TABLE.insert(CENSUS.witness(7));
    for n in 0..50 {
        let doomed = TABLE.insert(CENSUS.witness(n));
        let process_wide = Handle::new(CENSUS.witness(n));
        to_the_end(move || {
            HELD.with_borrow_mut(|held| {
                // Registered before the table's first use on this thread, so destroyed after it.
                held.push(Held::Ref(TABLE.get(doomed).unwrap()));
                held.push(Held::Ref(process_wide.value()));
                held.push(Held::Pinned(TABLE.pin(), kept));
                if n % 2 == 0 {
                    TABLE.remove(doomed).unwrap();
                    TABLE.flush();
                }
            });
            process_wide.delete();
        });
        assert_eq!(TABLE.remove(doomed).is_ok(), n % 2 == 1);
        let seen = std::mem::take(&mut *SEEN.lock().unwrap());
        assert_eq!(seen, [Some(n), Some(n), Some(7)]);
        // The pins ended with the thread.
        TABLE.quiesce().unwrap();
    }
    TABLE.remove(kept).unwrap();
    TABLE.quiesce().unwrap();
    Handle::quiesce().unwrap();
    CENSUS.assert_all_dropped_once();
}

#[test]
fn a_table_in_a_thread_local_loses_its_values() {
    static CENSUS: Census = Census::new();
    thread_local! {
        static TABLE: Table = const { HandleTable::new() };
    }
    for n in 0..50 {
        to_the_end(move || {
            if n % 2 == 0 {
                CENSUS_TABLE
                    .remove(CENSUS_TABLE.insert(CENSUS.witness(n)))
                    .unwrap();
            }
            TABLE.with(|table| {
                let handles: Vec<_> = (0..200).map(|n| table.insert(CENSUS.witness(n))).collect();
                handles[..150]
                    .iter()
                    .for_each(|h| table.remove(*h).unwrap());
            });
        });
    }
    static CENSUS_TABLE: Table = HandleTable::new();
    CENSUS_TABLE.quiesce().unwrap();
    CENSUS.assert_all_dropped_once();
}
