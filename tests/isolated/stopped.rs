//! A thread that is stopped anywhere in a verb stops nobody else's. Alone in its process, whose
//! allocator and signals it takes.
//!
//! A signal stops a victim wherever it happens to be, but for the allocator, whose locks are not
//! the crate's. While it stands still, other threads go through all verbs that promise progress.
//! If one of them waited for the victim, the test would not end.
#![cfg(all(unix, not(any(loom, miri))))]
#![allow(unsafe_code)]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    io::Write,
    os::unix::thread::JoinHandleExt,
    sync::{
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
        Arc,
    },
    thread,
    time::Duration,
};

use handle_table::{AnyTable, HandleTable, OnceTable};

/// How often a victim is stopped outside of the allocator.
const STOPS: usize = 500;

thread_local! {
    static IN_ALLOCATOR: Cell<bool> = const { Cell::new(false) };
}

/// Says when a thread is in the allocator.
struct Watched;

fn in_allocator<R>(f: impl FnOnce() -> R) -> R {
    IN_ALLOCATOR.set(true);
    let result = f();
    IN_ALLOCATOR.set(false);
    result
}

// SAFETY: the system's allocator does it all; setting a flag neither allocates nor unwinds.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's duty, passed on.
        in_allocator(|| unsafe { System.alloc(layout) })
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's duty, passed on.
        in_allocator(|| unsafe { System.dealloc(pointer, layout) });
    }
}

#[global_allocator]
static ALLOCATOR: Watched = Watched;

/// What the victim's handler is to do, and what it has done.
static GO_ON: AtomicBool = AtomicBool::new(true);
static STANDS: AtomicBool = AtomicBool::new(false);
static CALLED: AtomicUsize = AtomicUsize::new(0);

extern "C" fn stand_still(_signal: libc::c_int) {
    if !IN_ALLOCATOR.get() {
        STANDS.store(true, SeqCst);
        while !GO_ON.load(SeqCst) {
            // SAFETY: it waits for nothing, for a millisecond, and is async-signal-safe.
            unsafe { libc::poll(std::ptr::null_mut(), 0, 1) };
        }
        STANDS.store(false, SeqCst);
    }
    CALLED.fetch_add(1, SeqCst);
}

/// Counts its drops.
#[derive(Clone)]
struct Value(Arc<AtomicUsize>);

impl Drop for Value {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

struct Tables {
    values: HandleTable<Value>,
    numbers: HandleTable<usize>,
    batched: HandleTable<Value>,
    once: OnceTable<usize>,
    any: AnyTable,
    made: AtomicUsize,
    dropped: Arc<AtomicUsize>,
}

impl Tables {
    /// With so many shards: with one, all threads write the same.
    fn new(shards: usize) -> Self {
        Self {
            values: HandleTable::builder().shards(shards).build(),
            numbers: HandleTable::builder().shards(shards).build(),
            batched: HandleTable::builder().shards(shards).batch(8).build(),
            once: OnceTable::builder().shards(shards).build(),
            any: AnyTable::builder().shards(shards).build(),
            made: AtomicUsize::new(0),
            dropped: Arc::default(),
        }
    }

    fn value(&self) -> Value {
        self.made.fetch_add(1, SeqCst);
        Value(Arc::clone(&self.dropped))
    }

    /// All verbs that wait for nobody.
    fn use_all(&self, number: usize) {
        for table in [&self.values, &self.batched] {
            let (kept, removed) = (table.insert(self.value()), table.insert(self.value()));
            let value = table.get(kept).unwrap();
            table.remove(removed).unwrap();
            assert!(Arc::ptr_eq(&value.0, &self.dropped) && !table.contains(removed));
            drop(value);
            table.remove_now(kept).unwrap();
            drop(table.insert_owned(self.value()));
            drop(table.reserve());
            table.flush();
        }
        let handle = self.numbers.insert(number);
        assert_eq!(self.numbers.pin().get(handle), Ok(&number));
        self.numbers.remove(handle).unwrap();
        assert_eq!(self.once.take(self.once.insert(number)), Ok(number));
        let handle = self.any.insert(number);
        assert_eq!(self.any.get::<usize>(handle).as_deref(), Ok(&number));
        self.any.remove(handle).unwrap();
        assert_eq!(self.values.stats().drop_panics, 0);
        self.numbers.flush();
    }
}

fn stop_a_victim_again_and_again(tables: &Arc<Tables>) -> usize {
    static END: AtomicBool = AtomicBool::new(false);
    END.store(false, SeqCst);
    let of_victim = Arc::clone(tables);
    let victim = thread::spawn(move || {
        let mut number = 0;
        while !END.load(SeqCst) {
            of_victim.use_all(number);
            number += 1;
        }
    });
    let (mut stops, mut number) = (0, 0);
    while stops < STOPS {
        let called = CALLED.load(SeqCst);
        GO_ON.store(false, SeqCst);
        // SAFETY: the thread has not been joined.
        assert_eq!(unsafe { libc::pthread_kill(victim.as_pthread_t(), libc::SIGUSR1) }, 0);
        while CALLED.load(SeqCst) == called && !STANDS.load(SeqCst) {
            thread::yield_now();
        }
        if STANDS.load(SeqCst) {
            stops += 1;
            // On this thread, and now and then on a new one, which claims a lease and returns it.
            tables.use_all(number);
            if stops % 20 == 0 {
                thread::scope(|scope| scope.spawn(|| tables.use_all(number)).join()).unwrap();
            }
            number += 1;
        }
        GO_ON.store(true, SeqCst);
        while CALLED.load(SeqCst) == called {
            thread::yield_now();
        }
    }
    END.store(true, SeqCst);
    victim.join().unwrap();
    number
}

/// Ends the process when no stop has ended for minutes.
fn watch() {
    let mut last = (usize::MAX, 0);
    loop {
        thread::sleep(Duration::from_secs(1));
        let called = CALLED.load(SeqCst);
        last = if called == last.0 { (called, last.1 + 1) } else { (called, 0) };
        if last.1 == 600 {
            // Not by a macro, whose text the test runner keeps.
            let text = b"a verb waits for a thread that stands still\n";
            let _ = std::io::stderr().write_all(text);
            std::process::abort();
        }
    }
}

#[test]
fn a_thread_that_is_stopped_anywhere_stops_no_other_threads_verbs() {
    thread::spawn(watch);
    // SAFETY: the handler is async-signal-safe.
    unsafe { libc::signal(libc::SIGUSR1, stand_still as extern "C" fn(libc::c_int) as usize) };
    for shards in [1, 64] {
        let tables = Arc::new(Tables::new(shards));
        let rounds = stop_a_victim_again_and_again(&tables);
        assert!(rounds >= STOPS);
        for table in [&tables.values, &tables.batched] {
            table.quiesce().unwrap();
            let stats = table.stats();
            assert_eq!((stats.live, stats.pending, stats.drop_panics), (0, 0, 0), "{stats}");
        }
        assert_eq!(tables.dropped.load(SeqCst), tables.made.load(SeqCst));
    }
}
