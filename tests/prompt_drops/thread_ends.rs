//! Readers whose threads end, tables that end before their readers, and many threads.

use std::{
    cell::RefCell,
    sync::{mpsc::channel, Barrier, Mutex},
    thread,
};

use handle_table::{readers, HandleTable, Pinned, Ref};

use crate::{
    assert_empty,
    common::{on_new_thread, table_kinds, Census, Witness},
    leak,
    serial::serial,
    Log, Logged, Reader,
};

static LOOKED: Mutex<Vec<(usize, usize)>> = Mutex::new(Vec::new());
static CENSUS: Census = Census::new();

/// A guard that outlives the thread's own state, and looks at its value as it goes.
struct Late {
    value: Ref<'static, Witness>,
    _second: Option<Pinned<'static, Witness>>,
}

impl Drop for Late {
    fn drop(&mut self) {
        LOOKED.lock().unwrap().push((self.value.look(), CENSUS.left()));
    }
}

thread_local! {
    static HELD: RefCell<Vec<Late>> = const { RefCell::new(Vec::new()) };
}

#[test]
fn a_guard_in_another_thread_local_drops_the_value_as_it_goes() {
    let _serial = serial();
    for table in table_kinds().map(leak) {
        // More than there are leases: each must be free again.
        for n in 0..1_100 {
            let handle = table.insert(CENSUS.witness(n));
            on_new_thread(|| {
                HELD.with_borrow_mut(|held| {
                    // Registered before the thread's first use of a table, so destroyed last.
                    let value = table.get(handle).unwrap();
                    held.push(Late { value, _second: (n % 2 == 0).then(|| table.pin()) });
                });
                table.remove(handle).unwrap();
                assert_eq!(CENSUS.left(), 1);
            });
            assert_eq!(LOOKED.lock().unwrap().pop(), Some((n, 1)), "it was dropped too early");
            assert_eq!(CENSUS.left(), 0, "nobody drops it any more");
            assert_empty(table);
        }
    }
    assert_eq!(readers(), []);
    // A thread without a lease has no name here.
    let table = HandleTable::<u8>::new();
    let with_lease = on_new_thread(|| {
        let _pinned = table.pin();
        readers()[0].id()
    });
    assert_eq!(with_lease.is_some(), cfg!(any(target_os = "linux", windows)), "no lease is left");
    CENSUS.assert_all_dropped_once();
}

/// A closure that runs at the end of its thread.
struct AtExit(Option<Box<dyn FnOnce()>>);

impl Drop for AtExit {
    fn drop(&mut self) {
        if let Some(f) = self.0.take() {
            f();
        }
    }
}

thread_local! {
    static AT_EXIT: RefCell<Option<AtExit>> = const { RefCell::new(None) };
}

/// While the guard of a thread whose own state is gone exists, no other thread may get its lease.
#[test]
fn a_thread_that_ends_with_a_guard_keeps_its_lease_until_the_guard_goes() {
    let _serial = serial();
    static TABLE: HandleTable<Witness> = HandleTable::new();
    static CENSUS: Census = Census::new();
    let handle = TABLE.insert(CENSUS.witness(7));
    let (ask, asked) = channel::<()>();
    let (answer, answered) = channel();
    let newcomer = thread::spawn(move || {
        asked.recv().unwrap();
        // Its first use of a table: it takes the lowest free lease.
        let pinned = TABLE.pin();
        answer.send(readers().len()).unwrap();
        asked.recv().unwrap();
        drop(pinned);
    });
    let (tell, told) = channel();
    on_new_thread(move || {
        // Registered before the thread's first use of a table, so destroyed last.
        AT_EXIT.with_borrow_mut(|at_exit| *at_exit = Some(AtExit(None)));
        let value = TABLE.get(handle).unwrap();
        let at_exit = move || {
            ask.send(()).unwrap();
            let found = answered.recv().unwrap();
            TABLE.remove(handle).unwrap();
            tell.send((found, value.look(), CENSUS.left())).unwrap();
            ask.send(()).unwrap();
            drop(value);
        };
        AT_EXIT.with_borrow_mut(|slot| *slot = Some(AtExit(Some(Box::new(at_exit)))));
    });
    newcomer.join().unwrap();
    assert_eq!(told.recv(), Ok((2, 7, 1)), "readers, the value, those that are left");
    assert_eq!(readers(), []);
    assert_empty(&TABLE);
    CENSUS.assert_all_dropped_once();
}

#[test]
fn values_that_wait_for_a_reader_of_another_table_go_with_their_table() {
    let _serial = serial();
    static OTHER: HandleTable<u8> = HandleTable::new();
    let here = thread::current().id();
    for table in table_kinds::<Logged>() {
        let log = Log::default();
        let reader = Reader::new(&OTHER, None);
        for _ in 0..100 {
            table.remove(table.insert(log.value())).unwrap();
        }
        let live = table.insert(log.value());
        for _ in 0..100 {
            let _ = table.insert(log.value());
        }
        assert_eq!(table.retain(|handle, _| handle == live), 100);
        assert_eq!((log.len(), table.stats().pending), (0, 200));
        drop(table);
        assert_eq!(log.dropped(), vec![here; 201]);
        reader.let_go();
        assert_eq!(log.len(), 201, "they were dropped twice");
        reader.end();
    }
}

#[test]
fn eleven_hundred_threads_at_once_leave_nothing_behind() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    const THREADS: usize = 1_100;
    let turns = if cfg!(debug_assertions) { 20 } else { 100 };
    let tables = [1024, 1].map(|shards| HandleTable::builder().shards(shards).build());
    for table in tables {
        let shared = table.insert(CENSUS.witness(7));
        let all = Barrier::new(THREADS);
        thread::scope(|scope| {
            for _ in 0..THREADS {
                let small = thread::Builder::new().stack_size(128 << 10);
                let run = || {
                    // All are there, so some have no lease.
                    let held = table.get(shared).unwrap();
                    all.wait();
                    drop(held);
                    for n in 0..turns {
                        let handle = table.insert(CENSUS.witness(n));
                        let value = table.get(handle).unwrap();
                        table.remove(handle).unwrap();
                        let called = table.call(shared.to_ptr(), Witness::look);
                        assert_eq!((value.look(), called), (n, Ok(7)));
                    }
                    all.wait();
                };
                small.spawn_scoped(scope, run).unwrap();
            }
        });
        assert_eq!(CENSUS.left(), 1, "{}", table.stats());
        table.remove(shared).unwrap();
        assert_empty(&table);
    }
    CENSUS.assert_all_dropped_once();
}
