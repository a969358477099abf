//! `remove_wait` and `remove_wait_timeout`.

use std::{
    ffi::c_void,
    sync::{
        atomic::{
            AtomicBool, AtomicUsize,
            Ordering::{Acquire, Relaxed, Release},
        },
        mpsc, Barrier, Mutex, OnceLock,
    },
    thread,
    time::{Duration, Instant},
};

use handle_table::{Handle, HandleError, HandleTable, WaitError};

use crate::{
    common::{eventually, run_concurrently, scaled, table_kinds, Census, Witness},
    serial::serial,
};

const MOMENT: Duration = Duration::from_millis(20);

/// A thread that is inside a callback of the handle until told to leave.
struct Callback<'scope> {
    leave: mpsc::Sender<()>,
    thread: thread::ScopedJoinHandle<'scope, usize>,
}

impl<'scope> Callback<'scope> {
    fn enter(
        scope: &'scope thread::Scope<'scope, '_>,
        table: &'scope HandleTable<Witness>,
        handle: Handle<Witness>,
    ) -> Self {
        let (leave, left) = mpsc::channel();
        let (enter, entered) = mpsc::channel();
        let thread = scope.spawn(move || {
            let call = table.call(handle.to_ptr(), |value| {
                enter.send(()).unwrap();
                left.recv().unwrap();
                value.look()
            });
            call.unwrap()
        });
        entered.recv().unwrap();
        Self { leave, thread }
    }

    fn leave(self) -> usize {
        self.leave.send(()).unwrap();
        self.thread.join().unwrap()
    }
}

#[test]
fn without_a_reader_it_drops_at_once() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for table in table_kinds() {
        let handle = table.insert(CENSUS.witness(1));
        assert_eq!(table.remove_wait(handle), Ok(()));
        assert_eq!(CENSUS.left(), 0);
        let again = table.remove_wait(handle);
        assert!(matches!(again, Err(WaitError::Handle(HandleError::Deleted { .. }))));
    }
    CENSUS.assert_all_dropped_once();
}

#[test]
fn it_returns_when_the_callback_is_over_and_the_value_dropped() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for table in table_kinds() {
        let handle = table.insert(CENSUS.witness(7));
        let returned = AtomicBool::new(false);
        thread::scope(|scope| {
            let callback = Callback::enter(scope, &table, handle);
            let waiter = scope.spawn(|| {
                table.remove_wait(handle).unwrap();
                returned.store(true, Release);
                assert_eq!(CENSUS.left(), 0);
            });
            eventually("the handle is deleted", || !table.contains(handle));
            thread::sleep(MOMENT);
            assert!(!returned.load(Acquire), "it did not wait");
            assert_eq!(callback.leave(), 7);
            waiter.join().unwrap();
        });
    }
    CENSUS.assert_all_dropped_once();
}

#[test]
fn values_with_nothing_to_drop_are_waited_for_too() {
    let _serial = serial();
    for table in table_kinds::<usize>() {
        let handle = table.insert(7);
        let (enter, entered) = mpsc::channel();
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                let value = table.get(handle).unwrap();
                enter.send(()).unwrap();
                thread::sleep(MOMENT);
                assert_eq!(*value, 7);
                over.store(true, Release);
            });
            entered.recv().unwrap();
            table.remove_wait(handle).unwrap();
            assert!(over.load(Acquire));
        });
    }
}

#[test]
fn from_inside_its_callback_it_refuses_and_deletes() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for table in table_kinds() {
        let handle = table.insert(CENSUS.witness(1));
        let waited = table.call(handle.to_ptr(), |value| {
            let waited = table.remove_wait(handle);
            value.look();
            waited
        });
        assert_eq!(waited, Ok(Err(WaitError::WouldDeadlock)));
        assert!(!table.contains(handle));
        assert_eq!((CENSUS.left(), table.stats().pending), (0, 0));
    }
    CENSUS.assert_all_dropped_once();
}

#[test]
fn a_pin_of_another_table_would_deadlock_as_well() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    let (table, other) = (HandleTable::new(), HandleTable::<u8>::new());
    let handle = table.insert(CENSUS.witness(1));
    let pinned = other.pin();
    assert_eq!(table.remove_wait(handle), Err(WaitError::WouldDeadlock));
    drop(pinned);
    CENSUS.assert_all_dropped_once();
}

#[test]
fn from_inside_a_drop_it_refuses_and_deletes() {
    let _serial = serial();
    static TABLE: HandleTable<Box<dyn Fn() + Send + Sync>> = HandleTable::new();
    struct OnDrop<F: Fn()>(F);
    impl<F: Fn()> Drop for OnDrop<F> {
        fn drop(&mut self) {
            (self.0)();
        }
    }
    static SEEN: Mutex<Option<Result<(), WaitError>>> = Mutex::new(None);
    let inner = TABLE.insert(Box::new(|| ()));
    let on_drop = OnDrop(move || *SEEN.lock().unwrap() = Some(TABLE.remove_wait(inner)));
    let outer = TABLE.insert(Box::new(move || _ = &on_drop));
    TABLE.remove(outer).unwrap();
    assert_eq!(*SEEN.lock().unwrap(), Some(Err(WaitError::WouldDeadlock)));
    assert!(!TABLE.contains(inner));
    assert_eq!(TABLE.stats().pending, 0);
}

#[test]
fn after_the_timeout_the_last_reader_drops() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for table in table_kinds() {
        let handle = table.insert(CENSUS.witness(1));
        thread::scope(|scope| {
            let callback = Callback::enter(scope, &table, handle);
            let begun = Instant::now();
            let waited = table.remove_wait_timeout(handle, MOMENT);
            assert_eq!(waited, Err(WaitError::TimedOut));
            assert!(begun.elapsed() >= MOMENT);
            assert!(!table.contains(handle));
            assert_eq!(CENSUS.left(), 1);
            callback.leave();
        });
        assert_eq!(CENSUS.left(), 0);
    }
    CENSUS.assert_all_dropped_once();
}

#[test]
fn it_waits_for_a_drop_on_another_thread() {
    let _serial = serial();
    static OVER: AtomicBool = AtomicBool::new(false);
    struct Slow(mpsc::Sender<()>);
    impl Drop for Slow {
        fn drop(&mut self) {
            self.0.send(()).unwrap();
            thread::sleep(MOMENT);
            OVER.store(true, Release);
        }
    }
    let table = HandleTable::new();
    let (begin, begun) = mpsc::channel();
    let handle = table.insert(Mutex::new(Slow(begin)));
    thread::scope(|scope| {
        let value = table.get(handle).unwrap();
        let waiter = scope.spawn(|| {
            table.remove_wait(handle).unwrap();
            assert!(OVER.load(Acquire));
        });
        eventually("the handle is deleted", || !table.contains(handle));
        drop(value);
        begun.recv().unwrap();
        waiter.join().unwrap();
    });
}

#[test]
fn of_many_that_unregister_one_handle_each_a_callback_is_never_late() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    static TABLE: HandleTable<Witness> = HandleTable::new();
    static USED_AFTER: AtomicUsize = AtomicUsize::new(0);
    const ROUNDS: usize = scaled(2_000);
    let word = AtomicUsize::new(0);
    let is_over = AtomicUsize::new(0);
    let turns = Barrier::new(3);
    run_concurrently(3, |nth| {
        for round in 1..=ROUNDS {
            if nth == 0 {
                word.store(TABLE.insert(CENSUS.witness(round)).to_raw(), Relaxed);
            }
            turns.wait();
            let raw = word.load(Relaxed);
            if nth == 0 {
                TABLE.remove_wait(Handle::from_raw(raw).unwrap()).unwrap();
                is_over.store(round, Release);
            } else {
                let user_data: *mut c_void = std::ptr::without_provenance_mut(raw);
                let _ = TABLE.call_catching(user_data, |value| {
                    assert_eq!(value.look(), round);
                    if is_over.load(Acquire) == round {
                        USED_AFTER.fetch_add(1, Relaxed);
                    }
                });
            }
            turns.wait();
        }
    });
    assert_eq!(USED_AFTER.load(Relaxed), 0);
    CENSUS.assert_all_dropped_once();
}

#[test]
fn two_threads_that_unregister_each_others_callbacks_do_not_hang() {
    let _serial = serial();
    // Each is inside its own callback, and so is refused.
    static TABLE: HandleTable<Box<dyn Fn() -> Result<(), WaitError> + Send + Sync>> =
        HandleTable::new();
    static HANDLES: [OnceLock<usize>; 2] = [const { OnceLock::new() }; 2];
    static INSIDE: Barrier = Barrier::new(2);
    for nth in 0..2 {
        let handle = TABLE.insert(Box::new(move || {
            INSIDE.wait();
            let other = *HANDLES[1 - nth].get().unwrap();
            TABLE.remove_wait(Handle::from_raw(other).unwrap())
        }));
        HANDLES[nth].set(handle.to_raw()).unwrap();
    }
    let results = run_concurrently(2, |nth| {
        let word = *HANDLES[nth].get().unwrap();
        TABLE.call(std::ptr::without_provenance_mut(word), |callback| callback())
    });
    assert_eq!(results, [Ok(Err(WaitError::WouldDeadlock)), Ok(Err(WaitError::WouldDeadlock))]);
    assert!(TABLE.is_empty());
    assert_eq!(TABLE.stats().pending, 0);
}

#[test]
fn an_empty_table_and_foreign_handles_are_errors() {
    let _serial = serial();
    let empty = HandleTable::<u8>::new();
    let foreign = HandleTable::new().insert(1_u8);
    let unknown = WaitError::Handle(HandleError::Unknown { raw: foreign.to_raw() });
    assert_eq!(empty.remove_wait(foreign), Err(unknown));
    assert_eq!(empty.take(foreign), Err(unknown));
    let _ = empty.insert(1);
    assert_eq!(empty.remove_wait_timeout(foreign, MOMENT), Err(unknown));
}
