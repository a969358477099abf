//! The allocator, which calls what it is told to; and a watchdog for what hangs.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    hint::black_box,
    io::Write,
    panic::Location,
    process,
    ptr::{self, null_mut},
    sync::{
        atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering::SeqCst},
        Mutex, Once,
    },
    thread,
    time::Duration,
};

/// At which of its calls the allocator does something.
#[derive(Clone, Copy, Debug)]
pub(crate) enum At {
    /// At this one, counted from 1.
    Call(usize),
    /// At each so manieth one. A delete inside of a drop leaves a value to be dropped later, which
    /// calls the allocator again: were that each call's effect, there would be no end.
    Each(usize),
}

/// The system's allocator, which first calls `HOOK`, if there is one and its turn has come.
pub(crate) struct Calling;

/// What to call. A pointer to the fat pointer, which lies on a stack.
static HOOK: AtomicPtr<&'static (dyn Fn() + Sync)> = AtomicPtr::new(null_mut());
/// The number of the call that is its turn.
static TURN: AtomicUsize = AtomicUsize::new(0);
/// After so many calls comes the next turn; zero if none comes.
static STEP: AtomicUsize = AtomicUsize::new(0);
static CALLS: AtomicUsize = AtomicUsize::new(0);
/// One call of `HOOK` at a time, and none within another. A thread-local might allocate.
static IS_INSIDE: AtomicBool = AtomicBool::new(false);

fn on_call() {
    if HOOK.load(SeqCst).is_null() || IS_INSIDE.swap(true, SeqCst) {
        return;
    }
    let (hook, call) = (HOOK.load(SeqCst), CALLS.fetch_add(1, SeqCst) + 1);
    if !hook.is_null() && call == TURN.load(SeqCst) {
        TURN.fetch_add(STEP.load(SeqCst), SeqCst);
        // SAFETY: it stays there while this thread is inside.
        unsafe { (*hook)() };
    }
    IS_INSIDE.store(false, SeqCst);
}

// SAFETY: the system's allocator. `on_call` does not unwind.
unsafe impl GlobalAlloc for Calling {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        on_call();
        // SAFETY: the caller's duty.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        on_call();
        // SAFETY: the caller's duty.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        on_call();
        // SAFETY: the caller's duty.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        on_call();
        // SAFETY: the caller's duty.
        unsafe { System.dealloc(memory, layout) }
    }
}

/// Runs `f` while the allocator calls `hook` at its turn. Returns how often the allocator was
/// called.
pub(crate) fn while_it_calls(at: At, hook: &(dyn Fn() + Sync), f: impl FnOnce()) -> usize {
    let (turn, step) = match at {
        At::Call(turn) => (turn, 0),
        At::Each(step) => (step, step),
    };
    let hook = catching(hook);
    let hook: &(dyn Fn() + Sync) = &hook;
    CALLS.store(0, SeqCst);
    TURN.store(turn, SeqCst);
    STEP.store(step, SeqCst);
    HOOK.store(ptr::from_ref(&hook).cast::<&'static (dyn Fn() + Sync)>().cast_mut(), SeqCst);
    struct Unhook;
    impl Drop for Unhook {
        fn drop(&mut self) {
            HOOK.store(null_mut(), SeqCst);
            while IS_INSIDE.load(SeqCst) {
                thread::yield_now();
            }
        }
    }
    let unhook = Unhook;
    f();
    drop(unhook);
    if let Some(place) = WRONG.lock().unwrap().take() {
        panic!("{at:?}: wrong inside of the allocator, at {place}");
    }
    CALLS.load(SeqCst)
}

/// Runs `f`, out of which no panic comes: an allocator must not unwind.
fn catching(f: &(dyn Fn() + Sync)) -> impl Fn() + Sync + '_ {
    move || {
        let f = std::panic::AssertUnwindSafe(f);
        check(std::panic::catch_unwind(f).is_ok());
    }
}

/// The first place inside of the allocator where something was wrong.
static WRONG: Mutex<Option<&'static Location<'static>>> = Mutex::new(None);

/// Notes the place of the caller if this is wrong.
#[track_caller]
pub(crate) fn check(is_right: bool) {
    if !is_right {
        WRONG.lock().unwrap().get_or_insert(Location::caller());
    }
}

/// Counts what was reached; the watchdog wants to see it grow.
static PROGRESS: AtomicUsize = AtomicUsize::new(0);
static DOING: Mutex<String> = Mutex::new(String::new());

/// Says what is done from here on. If that takes two minutes, the process ends and says so: nothing
/// here takes a second.
pub(crate) fn doing(what: String) {
    static WATCHDOG: Once = Once::new();
    *DOING.lock().unwrap() = what;
    PROGRESS.fetch_add(1, SeqCst);
    WATCHDOG.call_once(|| {
        thread::spawn(watch);
        // From there on it does not allocate.
        while !IS_WATCHING.load(SeqCst) {
            thread::yield_now();
        }
    });
}

static IS_WATCHING: AtomicBool = AtomicBool::new(false);

fn watch() {
    IS_WATCHING.store(true, SeqCst);
    loop {
        let before = PROGRESS.load(SeqCst);
        let mut seconds = 0;
        while PROGRESS.load(SeqCst) == before {
            if seconds == 120 {
                HOOK.store(null_mut(), SeqCst);
                let what = DOING.try_lock().map(|what| what.clone()).unwrap_or_default();
                let at = (CALLS.load(SeqCst), TURN.load(SeqCst));
                let words = format!("hangs (call, turn: {at:?}): {what}\n");
                // Not captured by the test harness, and under no lock of its.
                _ = std::io::stderr().write_all(black_box(words).as_bytes());
                process::abort();
            }
            thread::sleep(Duration::from_secs(1));
            seconds += 1;
        }
    }
}
