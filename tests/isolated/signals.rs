//! Look-ups in a signal handler that interrupts inserts, look-ups and deletes on the same thread.
//! Alone in its process, whose allocator and signals it takes.
#![cfg(all(unix, not(loom)))]
#![allow(unsafe_code)]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    mem, ptr,
    sync::atomic::{
        AtomicBool, AtomicUsize,
        Ordering::{Relaxed, SeqCst},
    },
    thread,
};

use handle_table::{Handle, HandleError, HandleTable};

/// Look-ups by the handler.
const LOOK_UPS: usize = if cfg!(debug_assertions) { 200_000 } else { 1_000_000 };

thread_local! {
    static IN_HANDLER: Cell<bool> = const { Cell::new(false) };
}

static FAULTS: AtomicUsize = AtomicUsize::new(0);
static DONE: AtomicUsize = AtomicUsize::new(0);
static HITS: AtomicUsize = AtomicUsize::new(0);
static INSERTED: AtomicUsize = AtomicUsize::new(0);
static DROPPED: AtomicUsize = AtomicUsize::new(0);

fn fault_in_handler() {
    if IN_HANDLER.get() {
        FAULTS.fetch_add(1, Relaxed);
    }
}

/// Finds calls of the handler.
struct Watched;

// SAFETY: the system's allocator does it all; a look at a flag neither allocates nor unwinds.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        fault_in_handler();
        // SAFETY: the caller's duty, passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        fault_in_handler();
        // SAFETY: the caller's duty, passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Watched = Watched;

const ALIVE: usize = 0x600D_F00D;

/// A value that can tell whether it is alive.
struct Value {
    number: usize,
    check: AtomicUsize,
}

impl Value {
    fn new(number: usize) -> Self {
        INSERTED.fetch_add(1, Relaxed);
        Self { number, check: AtomicUsize::new(number ^ ALIVE) }
    }

    fn is_right(&self) -> bool {
        self.check.load(Relaxed) ^ ALIVE == self.number
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        fault_in_handler();
        if !self.is_right() {
            FAULTS.fetch_add(1, Relaxed);
        }
        self.check.store(0, Relaxed);
        DROPPED.fetch_add(1, Relaxed);
    }
}

static TABLE: HandleTable<Value> = HandleTable::new();
/// Values without a destructor.
static NUMBERS: HandleTable<usize> = HandleTable::new();

const SHOWN: usize = 16;
/// Handles of values, live or stale, of `NUMBERS`, and of the process-wide table.
static HANDLES: [[AtomicUsize; 3]; SHOWN] = [const { [const { AtomicUsize::new(0) }; 3] }; SHOWN];

fn check(found: Result<bool, HandleError>) {
    match found {
        Ok(true) => drop(HITS.fetch_add(1, Relaxed)),
        Err(HandleError::Deleted { .. }) => {}
        _ => drop(FAULTS.fetch_add(1, Relaxed)),
    }
}

extern "C" fn on_signal(_: libc::c_int) {
    let before = IN_HANDLER.replace(true);
    for [value, number, process_wide] in &HANDLES {
        if let Ok(handle) = Handle::from_raw(value.load(Relaxed)) {
            check(TABLE.get_in_signal(handle, Value::is_right));
            // One look-up inside the other.
            check(TABLE.get_in_signal(handle, |value| TABLE.contains(handle) | value.is_right()));
        }
        if let Ok(handle) = Handle::from_raw(number.load(Relaxed)) {
            check(NUMBERS.get_in_signal(handle, |number| number % 3 == 1));
        }
        if let Ok(handle) = Handle::from_raw(process_wide.load(Relaxed)) {
            check(handle.value_in_signal(Value::is_right));
        }
    }
    DONE.fetch_add(4 * SHOWN, Relaxed);
    IN_HANDLER.set(before);
}

fn install(signal: libc::c_int) {
    // SAFETY: all zeroes is a `sigaction`, and the handler does only what a handler may.
    let result = unsafe {
        let mut action: libc::sigaction = mem::zeroed();
        action.sa_sigaction = on_signal as extern "C" fn(libc::c_int) as usize;
        action.sa_flags = libc::SA_RESTART;
        libc::sigaction(signal, &action, ptr::null_mut())
    };
    assert_eq!(result, 0);
}

/// Shows `new` to the handler, and removes what was shown before it.
fn show<K>(entry: &AtomicUsize, new: Handle<K>, remove: impl Fn(Handle<K>)) {
    if let Ok(old) = Handle::from_raw(entry.swap(new.to_raw(), SeqCst)) {
        remove(old);
    }
}

/// Inserts, looks up, and deletes, all of which the handler interrupts.
fn work(turn: usize) {
    let [value, number, process_wide] = &HANDLES[turn % SHOWN];
    let new = TABLE.insert(Value::new(turn));
    assert!(TABLE.get(new).is_ok_and(|value| value.number == turn && value.is_right()));
    show(value, new, |old| match turn % 3 {
        0 => TABLE.remove(old).unwrap(),
        1 => drop(TABLE.remove_ref(old).unwrap()),
        _ => drop(TABLE.remove_now(old).unwrap()),
    });
    let new = NUMBERS.insert(3 * turn + 1);
    assert_eq!(NUMBERS.get(new).as_deref(), Ok(&(3 * turn + 1)));
    show(number, new, |old| NUMBERS.remove(old).unwrap());
    show(process_wide, Handle::new(Value::new(turn)), Handle::delete);
}

// One test: the handler is the process's.
#[test]
fn look_ups_in_a_handler_are_right_whatever_they_interrupt() {
    // The first use of a table, which no handler may be.
    work(0);
    install(libc::SIGUSR1);
    // SAFETY: it takes nothing.
    let worker = unsafe { libc::pthread_self() } as usize;
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(SeqCst) {
                // SAFETY: that thread outlives this one.
                unsafe { libc::pthread_kill(worker as libc::pthread_t, libc::SIGUSR1) };
                // It also deletes what the handler looks at.
                work(INSERTED.load(Relaxed));
            }
        });
        while DONE.load(Relaxed) < LOOK_UPS {
            work(INSERTED.load(Relaxed));
        }
        stop.store(true, SeqCst);
    });
    assert!(HITS.load(Relaxed) > LOOK_UPS / 4, "{} found a value", HITS.load(Relaxed));
    // What waited for a handler goes with the next call of anyone.
    drop(TABLE.pin());
    assert_eq!(TABLE.stats().pending, 0);
    TABLE.clear();
    for [_, _, process_wide] in &HANDLES {
        if let Ok(handle) = Handle::from_raw(process_wide.load(Relaxed)) {
            handle.delete();
        }
    }
    assert_eq!(TABLE.stats().pending, 0);
    assert_eq!(Handle::stats().pending, 0);
    assert_eq!(FAULTS.load(Relaxed), 0, "wrong values, or the handler freed or allocated");
    assert_eq!(DROPPED.load(Relaxed), INSERTED.load(Relaxed));
}
