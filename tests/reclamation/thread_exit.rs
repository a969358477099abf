//! Tables that are used while a thread's locals are destroyed, in any order.

use std::{
    cell::{Cell, RefCell},
    sync::{
        atomic::{AtomicUsize, Ordering::SeqCst},
        LazyLock, Mutex,
    },
};

use handle_table::{Handle, HandleTable, Pinned, QuiesceError, Ref, WaitError};

use crate::{
    common::{on_new_thread, table_kinds, Census, Witness},
    serial::serial,
    verbs::use_every_verb,
};

/// A thread-local whose destructor runs a closure.
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

/// When the destructor is registered. Destructors run in reverse order: one that was registered
/// before the thread's first use of a table runs after those of the crate's own thread-locals.
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
    on_new_thread(move || {
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

#[test]
fn a_table_works_in_a_destructor_of_a_thread_local() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    static TABLES: LazyLock<Vec<Table>> = LazyLock::new(|| table_kinds().collect());
    static RESULTS: Mutex<Vec<(Order, Vec<&str>)>> = Mutex::new(Vec::new());
    for order in ORDERS {
        for table in TABLES.iter() {
            for _ in 0..5 {
                in_destructor(order, move || {
                    let wrong = use_every_verb(table, |n| CENSUS.witness(n), Witness::look);
                    RESULTS.lock().unwrap().push((order, wrong));
                });
            }
        }
    }
    let results = RESULTS.lock().unwrap();
    assert_eq!(results.len(), ORDERS.len() * TABLES.len() * 5);
    for (order, wrong) in results.iter() {
        assert!(wrong.is_empty(), "{order:?}: {wrong:?}");
    }
    for table in TABLES.iter() {
        table.quiesce().unwrap();
        let stats = table.stats();
        assert_eq!((stats.live, stats.pending, stats.drop_panics), (0, 0, 0));
    }
    Handle::quiesce().unwrap();
    CENSUS.assert_all_dropped_once();
}

#[test]
fn quiesce_in_a_destructor_never_waits_for_its_own_thread() {
    let _serial = serial();
    static TABLE: Table = HandleTable::new();
    static CENSUS: Census = Census::new();
    static RESULTS: Mutex<Vec<Result<(), QuiesceError>>> = Mutex::new(Vec::new());
    for order in ORDERS {
        in_destructor(order, || {
            let handle = TABLE.insert(CENSUS.witness(0));
            let removed = TABLE.remove(handle);
            RESULTS.lock().unwrap().push(removed.map_or(
                Err(QuiesceError::Pinned), // Expected nowhere below.
                |()| TABLE.quiesce(),
            ));
        });
    }
    // Where thread-locals are keys, see `.ci/notls`, the crate's own are made anew. The thread
    // holds no guard here.
    let are_keys = std::env::var_os("HANDLE_TABLE_KEYS").is_some();
    let before = if are_keys { Ok(()) } else { Err(QuiesceError::ThreadEnding) };
    let expected = [before, Ok(()), Ok(())];
    assert_eq!(*RESULTS.lock().unwrap(), expected);
    TABLE.quiesce().unwrap();
    CENSUS.assert_all_dropped_once();
}

#[test]
fn take_in_a_destructor_gets_the_value_if_nobody_reads() {
    let _serial = serial();
    static TABLE: Table = HandleTable::new();
    static CENSUS: Census = Census::new();
    static TAKEN: Mutex<Vec<Result<usize, WaitError>>> = Mutex::new(Vec::new());
    for order in ORDERS {
        in_destructor(order, || {
            let taken = TABLE.take(TABLE.insert(CENSUS.witness(7)));
            TAKEN.lock().unwrap().push(taken.map(|value| value.look()));
        });
    }
    assert_eq!(*TAKEN.lock().unwrap(), [Ok(7); ORDERS.len()]);
    CENSUS.assert_all_dropped_once();
}

#[test]
fn a_wait_in_a_destructor_sees_the_guard_that_its_own_thread_still_holds() {
    let _serial = serial();
    static TABLE: Table = HandleTable::new();
    static CENSUS: Census = Census::new();
    static QUIESCED: Mutex<Vec<Result<(), QuiesceError>>> = Mutex::new(Vec::new());
    static REMOVED: Mutex<Vec<Result<(), WaitError>>> = Mutex::new(Vec::new());
    // Keys of the system are destroyed in the order in which the process made them: the crate's
    // first, so that it registers the thread once more.
    let orders = [Order::After, Order::Before];
    for order in orders {
        on_new_thread(move || {
            if order == Order::After {
                TABLE.remove(TABLE.insert(CENSUS.witness(0))).unwrap();
            }
            // Registers the destructor.
            AT_EXIT.with(|_| ());
            let handle = TABLE.insert(CENSUS.witness(1));
            let value = TABLE.get(handle).unwrap();
            let wait = move || {
                QUIESCED.lock().unwrap().push(TABLE.quiesce());
                REMOVED.lock().unwrap().push(TABLE.remove_wait(handle));
                assert_eq!(value.look(), 1);
            };
            AT_EXIT.with(|at_exit| at_exit.0.set(Some(Box::new(wait))));
        });
    }
    let quiesced = QUIESCED.lock().unwrap();
    assert_eq!(quiesced.len(), orders.len());
    for quiesced in quiesced.iter() {
        let is_told = |error| matches!(error, QuiesceError::Pinned | QuiesceError::ThreadEnding);
        assert!(quiesced.is_err_and(is_told), "{quiesced:?}");
    }
    assert_eq!(*REMOVED.lock().unwrap(), orders.map(|_| Err(WaitError::WouldDeadlock)));
    TABLE.quiesce().unwrap();
    CENSUS.assert_all_dropped_once();
}

#[test]
fn a_thread_that_used_a_table_at_its_end_leaves_no_lease_and_no_pin() {
    let _serial = serial();
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
    // If an ended thread were still pinned, this would never return.
    TABLE.quiesce().unwrap();
    let stats = TABLE.stats();
    assert_eq!((stats.live, stats.pending), (0, 0), "{stats}");
    assert!(stats.vacant < 600, "slots are used again: {stats}");
}

thread_local! {
    static HELD: RefCell<Vec<Held>> = const { RefCell::new(Vec::new()) };
}

/// A reader that outlives the crate's own thread-locals, and looks at its value in its drop.
enum Held {
    Ref(Ref<'static, Witness>),
    Pinned(Pinned<'static, Witness>, Handle<Witness>),
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
fn a_ref_that_outlives_the_threads_own_state_keeps_its_value() {
    let _serial = serial();
    static TABLE: Table = HandleTable::new();
    static CENSUS: Census = Census::new();
    let kept = TABLE.insert(CENSUS.witness(7));
    for n in 0..50 {
        let deleted = TABLE.insert(CENSUS.witness(n));
        let process_wide = Handle::new(CENSUS.witness(n));
        on_new_thread(move || {
            HELD.with_borrow_mut(|held| {
                // Registered before the thread's first use of a table, so destroyed last.
                held.push(Held::Ref(TABLE.get(deleted).unwrap()));
                held.push(Held::Ref(process_wide.value()));
                held.push(Held::Pinned(TABLE.pin(), kept));
                if n % 2 == 0 {
                    TABLE.remove(deleted).unwrap();
                    TABLE.flush();
                }
            });
            process_wide.delete();
        });
        assert_eq!(TABLE.remove(deleted).is_ok(), n % 2 == 1);
        let seen = std::mem::take(&mut *SEEN.lock().unwrap());
        assert_eq!(seen, [Some(n), Some(n), Some(7)]);
        // The pins have ended with the thread.
        TABLE.quiesce().unwrap();
    }
    TABLE.remove(kept).unwrap();
    TABLE.quiesce().unwrap();
    Handle::quiesce().unwrap();
    CENSUS.assert_all_dropped_once();
}

#[test]
fn a_table_in_a_thread_local_drops_its_values() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    static SHARED: Table = HandleTable::new();
    thread_local! {
        static TABLE: Table = const { HandleTable::new() };
    }
    for n in 0..50 {
        on_new_thread(move || {
            if n % 2 == 0 {
                SHARED.remove(SHARED.insert(CENSUS.witness(n))).unwrap();
            }
            TABLE.with(|table| {
                let handles: Vec<_> = (0..200).map(|n| table.insert(CENSUS.witness(n))).collect();
                handles[..150].iter().for_each(|h| table.remove(*h).unwrap());
            });
        });
    }
    SHARED.quiesce().unwrap();
    CENSUS.assert_all_dropped_once();
}
