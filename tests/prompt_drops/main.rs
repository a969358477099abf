//! Values are dropped by their delete or, if readers are in the way, by the last of those: never by
//! a call that may not come. So nothing here calls `flush` or `quiesce`, unless that is its
//! subject.
#![cfg(not(loom))]

#[path = "../common/mod.rs"]
mod common;
/// All tests take this lock: a reader of another test would be in the way.
#[path = "../common/serial.rs"]
mod serial;

mod batches;
mod calls;
mod counts;
mod in_signal;
mod last_reader;
mod nested;
mod slow_drops;
mod thread_ends;
mod who_reads;

use std::{
    sync::{
        mpsc::{channel, Receiver, Sender},
        Arc, Mutex,
    },
    thread::{self, JoinHandle, ThreadId},
};

use handle_table::{Handle, HandleTable};

/// On which threads the values of a test were dropped, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<ThreadId>>>);

impl Log {
    fn value(&self) -> Logged {
        Logged(self.clone())
    }

    fn dropped(&self) -> Vec<ThreadId> {
        self.0.lock().unwrap().clone()
    }

    fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

/// A value that logs its drop.
struct Logged(Log);

impl Drop for Logged {
    fn drop(&mut self) {
        self.0 .0.lock().unwrap().push(thread::current().id());
    }
}

/// A value whose drop runs a closure.
struct OnDrop(Option<Box<dyn FnOnce() + Send + Sync>>);

impl OnDrop {
    fn new(f: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(f)))
    }
}

impl Drop for OnDrop {
    fn drop(&mut self) {
        if let Some(f) = self.0.take() {
            f();
        }
    }
}

/// A thread that holds a `Ref`, or a `Pinned` if it is given no handle, until it is told to let go.
struct Reader {
    let_go: Sender<()>,
    has_let_go: Receiver<()>,
    thread: JoinHandle<()>,
}

impl Reader {
    fn new<T: Send + Sync>(table: &'static HandleTable<T>, handle: Option<Handle<T>>) -> Self {
        Self::named("reader", table, handle)
    }

    fn named<T: Send + Sync>(
        name: &str,
        table: &'static HandleTable<T>,
        handle: Option<Handle<T>>,
    ) -> Self {
        let (holds, is_held) = channel();
        let (let_go, told) = channel();
        let (tell, has_let_go) = channel();
        let read = move || {
            let held = handle.map(|handle| table.get(handle).unwrap());
            let pinned = held.is_none().then(|| table.pin());
            holds.send(()).unwrap();
            let _ = told.recv();
            drop((held, pinned));
            tell.send(()).unwrap();
            // It stays, since the end of a thread may drop something, too.
            let _ = told.recv();
        };
        let thread = thread::Builder::new().name(name.into()).spawn(read).unwrap();
        is_held.recv().unwrap();
        Self { let_go, has_let_go, thread }
    }

    fn id(&self) -> ThreadId {
        self.thread.thread().id()
    }

    /// Returns once its guard is gone.
    fn let_go(&self) {
        self.let_go.send(()).unwrap();
        self.has_let_go.recv().unwrap();
    }

    fn end(self) {
        drop(self.let_go);
        self.thread.join().unwrap();
    }
}

/// A table that lives as long as the process. It is listed, so that no tool takes it for lost.
fn leak<T>(table: HandleTable<T>) -> &'static HandleTable<T> {
    static LISTED: Mutex<Vec<usize>> = Mutex::new(Vec::new());
    let table = Box::leak(Box::new(table));
    LISTED.lock().unwrap().push(std::ptr::from_ref(table).expose_provenance());
    table
}

/// Nothing is live, and nothing waits.
#[track_caller]
fn assert_empty<T>(table: &HandleTable<T>) {
    let stats = table.stats();
    assert_eq!((stats.live, stats.pending, stats.drop_panics), (0, 0, 0), "{stats}");
}
