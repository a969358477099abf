//! Models of the readers' records, of what waits for them, and of grace periods.
//!
//! Each runs on a system with barriers of its kind. With asymmetric ones a light barrier orders
//! nothing but what `loom_models/barrier.rs` says; without any, readers fence and deleters scan.

use std::{
    ptr::NonNull,
    sync::{
        atomic::{AtomicUsize as StdAtomicUsize, Ordering::Relaxed},
        Arc,
    },
};

use loom::{sync::atomic::AtomicBool, sync::mpsc, thread};

use super::{
    pin,
    retired::{Owned, Retired},
    turn::{is_unread, retire},
    world::world,
};
use crate::{loom_models::Holds, sync::Barriers};

mod collector;
mod grace;
mod lease;
mod left;
mod mode;
mod pin;
mod turn;

/// As many heavy barriers as anybody wants.
const LIGHT: Barriers = Barriers::Asymmetric { heavy: usize::MAX };
const FENCED: Barriers = Barriers::None;

/// A value in a slot. Its accesses carry nothing: what orders them is what is modelled.
struct Value {
    is_unlinked: AtomicBool,
    holds: Holds<1>,
    /// Not loom's: it is there for the end of a model.
    drops: StdAtomicUsize,
}

impl Value {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            is_unlinked: AtomicBool::new(false),
            holds: Holds::new(0),
            drops: StdAtomicUsize::new(0),
        })
    }

    /// A look-up by a thread that is pinned. Returns whether it found the value.
    fn find(&self) -> bool {
        let found = !self.is_unlinked.load(Relaxed);
        if found {
            self.read();
        }
        found
    }

    /// Reads the value, which the caller has found. Fails if it was dropped.
    fn read(&self) {
        self.holds.look(0);
    }

    fn unlink(&self) {
        self.is_unlinked.store(true, Relaxed);
    }

    /// Fails if it is read at the same time, or was dropped before.
    fn end(&self) {
        self.holds.take(0);
        self.drops.fetch_add(1, Relaxed);
    }

    fn is_dropped(&self) -> bool {
        self.drops.load(Relaxed) > 0
    }

    /// Has it dropped, once it is unlinked. Returns whether it was dropped at once.
    fn retire(self: &Arc<Self>) -> bool {
        // SAFETY: made here.
        unsafe { retire(RetiredValue::leak(self)) }
    }

    /// The same for the calling thread alone.
    fn owned(self: &Arc<Self>) -> Owned {
        // SAFETY: made here.
        unsafe { Owned::new(RetiredValue::leak(self)) }
    }

    fn delete(self: &Arc<Self>) -> bool {
        self.unlink();
        self.retire()
    }

    /// Unlinks it, and drops it if nobody reads. Else it stays.
    fn delete_unread(&self) {
        self.unlink();
        if is_unread() {
            self.end();
        }
    }
}

#[repr(C)]
struct RetiredValue {
    head: Retired,
    value: Arc<Value>,
}

impl RetiredValue {
    fn leak(value: &Arc<Value>) -> NonNull<Retired> {
        // SAFETY: `drop_one` may be called by any thread.
        let head = unsafe { Retired::new(std::ptr::null(), Self::drop_one) };
        NonNull::from(Box::leak(Box::new(Self { head, value: Arc::clone(value) }))).cast()
    }

    /// # Safety
    ///
    /// `head` came from `leak`, and the calling thread has it.
    unsafe fn drop_one(head: NonNull<Retired>) {
        // SAFETY: the caller's duty.
        let this = unsafe { Box::from_raw(head.cast::<Self>().as_ptr()) };
        this.value.end();
    }
}

/// Does something that is not to be explored: what comes before a model, and has its own.
fn prepare<R>(f: impl FnOnce() -> R) -> R {
    loom::stop_exploring();
    let result = f();
    loom::explore();
    result
}

/// Takes a lease, if one is free.
fn register() {
    prepare(|| drop(pin()));
}

/// Leaves no lease to threads that have none: they are outsiders.
fn no_leases() {
    while world().leases.claim().is_some() {}
}

/// A thread of a model, which stays until all have done their part.
struct Part {
    thread: thread::JoinHandle<()>,
    end: mpsc::Sender<()>,
    done: mpsc::Receiver<()>,
}

/// Runs `part` on a thread of its own, which has a lease if one is free.
fn spawn(part: impl FnOnce() + 'static) -> Part {
    let ((end, ended), (is_done, done)) = (mpsc::channel(), mpsc::channel());
    let thread = thread::spawn(move || {
        register();
        part();
        is_done.send(()).unwrap();
        ended.recv().unwrap();
    });
    Part { thread, end, done }
}

/// Waits for all parts. The ends of the threads are not explored.
fn finish<const N: usize>(parts: [Part; N]) {
    for part in &parts {
        part.done.recv().unwrap();
    }
    loom::skip_branch();
    for part in parts {
        part.end.send(()).unwrap();
        part.thread.join().unwrap();
    }
}

/// Waits until a thread has ended. The destructors of its thread-locals are part of the model: they
/// run after what `join` waits for.
fn end(thread: thread::JoinHandle<()>) {
    thread.join().unwrap();
    for _ in 0..12 {
        thread::yield_now();
    }
}

/// Pins, looks the value up, and unpins.
fn look_up(value: &Value) {
    let guard = pin();
    value.find();
    drop(guard);
}
