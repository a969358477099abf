//! Threads that run in turn, and live on from one script to the next.
//!
//! Thread 0 is the one that calls [`perform`]. The others wait until they are passed the turn, do
//! their part, and pass it on. A part may end with the end of its thread.

use std::{
    hint::spin_loop,
    mem::transmute,
    process::abort,
    sync::{
        atomic::{AtomicUsize, Ordering},
        Mutex, MutexGuard, PoisonError,
    },
    thread::{self, JoinHandle, Thread},
};

/// How many threads there are.
pub(crate) const THREADS: usize = 4;
/// How often a thread looks whether it has the turn, before it sleeps.
const SPINS: usize = 64;

/// What a thread does when it is first passed the turn; in its course it may pass that on, and wait
/// for it. In the end it has the turn.
pub(crate) trait Part: Sync {
    fn play(&self, me: usize) -> End;
}

/// How a thread's part ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// The thread waits for the next script.
    Waits,
    /// The thread ends, and another one takes its place.
    Dies,
}

static TURN: AtomicUsize = AtomicUsize::new(0);
static NAMES: [Mutex<Option<Thread>>; THREADS] = [const { Mutex::new(None) }; THREADS];
static LIVES: [Mutex<Option<JoinHandle<()>>>; THREADS] = [const { Mutex::new(None) }; THREADS];
static PART: Mutex<Option<&'static dyn Part>> = Mutex::new(None);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has thread 0 play its part, and others that it passes the turn to. By its end, all others have
/// ended theirs.
pub(crate) fn perform(part: &dyn Part) {
    /// An unwind would leave threads with what they borrow.
    struct NoUnwind;
    impl Drop for NoUnwind {
        fn drop(&mut self) {
            if thread::panicking() {
                abort();
            }
        }
    }
    let _no_unwind = NoUnwind;
    // SAFETY: it is used until the last thread has ended its part, which is before this returns.
    let part: &'static dyn Part = unsafe { transmute::<&dyn Part, &'static dyn Part>(part) };
    *lock(&PART) = Some(part);
    lock(&NAMES[0]).get_or_insert_with(thread::current);
    part.play(0);
    *lock(&PART) = None;
}

/// Passes the turn on.
pub(crate) fn pass_to(other: usize) {
    if other != 0 {
        lock(&LIVES[other]).get_or_insert_with(|| {
            let thread = thread::spawn(move || live(other));
            *lock(&NAMES[other]) = Some(thread.thread().clone());
            thread
        });
    }
    TURN.store(other, Ordering::Release);
    if let Some(thread) = &*lock(&NAMES[other]) {
        thread.unpark();
    }
}

/// Waits for the turn.
pub(crate) fn wait_for_turn(me: usize) {
    for _ in 0..SPINS {
        if TURN.load(Ordering::Acquire) == me {
            return;
        }
        spin_loop();
    }
    while TURN.load(Ordering::Acquire) != me {
        thread::park();
    }
}

/// Waits for the end of a thread whose part has ended so.
pub(crate) fn bury(other: usize) {
    let thread = lock(&LIVES[other]).take();
    assert!(thread.is_some_and(|thread| thread.join().is_ok()), "a thread has panicked");
}

/// The life of a thread other than 0.
fn live(me: usize) {
    loop {
        wait_for_turn(me);
        let part = lock(&PART).expect("a thread was passed the turn of no script");
        let end = part.play(me);
        pass_to(0);
        if end == End::Dies {
            return;
        }
    }
}
