//! What is counted, and what happens at a fault.

use std::{
    fmt,
    sync::atomic::{
        AtomicBool, AtomicU64, AtomicUsize,
        Ordering::{Relaxed, SeqCst},
    },
};

use handle_table::{CallError, Operation, Report};

/// Whose table a value is made for. Each kind has its own account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    Word,
    Token,
    Shared,
    Large,
    Batched,
    Bounded,
    Cell,
    Any,
    AnyBatched,
    Global,
    Once,
    Drained,
    Local,
}

pub const KINDS: [Kind; 13] = [
    Kind::Word,
    Kind::Token,
    Kind::Shared,
    Kind::Large,
    Kind::Batched,
    Kind::Bounded,
    Kind::Cell,
    Kind::Any,
    Kind::AnyBatched,
    Kind::Global,
    Kind::Once,
    Kind::Drained,
    Kind::Local,
];

/// A count that many threads add to.
pub struct Count(AtomicU64);

impl Count {
    pub const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    pub fn add(&self, more: usize) {
        self.0.fetch_add(more as u64, Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(SeqCst)
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

static MADE: [Count; KINDS.len()] = [const { Count::new() }; KINDS.len()];
static DROPPED: [Count; KINDS.len()] = [const { Count::new() }; KINDS.len()];

impl Kind {
    pub fn made(self) -> &'static Count {
        &MADE[self as usize]
    }

    /// Values with a destructor count here themselves. Those without count when a call says that it
    /// has deleted them.
    pub fn dropped(self) -> &'static Count {
        &DROPPED[self as usize]
    }
}

/// Steps of all threads.
pub static STEPS: Count = Count::new();
/// Threads that were born, those of crowds among them.
pub static BORN: Count = Count::new();
/// Crowds of more threads than there are leases.
pub static CROWDS: Count = Count::new();
/// Children that were forked and ended well.
pub static FORKS: Count = Count::new();
/// Calls of the signal handler, and its look-ups that found a value.
pub static SIGNALS: Count = Count::new();
pub static SEEN_IN_SIGNALS: Count = Count::new();
/// Wrong values that the signal handler has seen: it can't tell of them itself.
pub static WRONG_IN_SIGNALS: Count = Count::new();
/// Checks of handles that were deleted long ago.
pub static STALE: Count = Count::new();
/// Panics that were raised in a `Drop`, and in a closure of `call`.
pub static DROP_PANICS: Count = Count::new();
pub static CALL_PANICS: Count = Count::new();
/// Words that `call` and `destroy` were given and could not use.
pub static BAD_HANDLES: Count = Count::new();
/// Reports of each of these three.
pub static REPORTED_DROPS: Count = Count::new();
pub static REPORTED_CALLS: Count = Count::new();
pub static REPORTED_HANDLES: Count = Count::new();

/// For [`handle_table::set_report_hook`].
pub fn count_report(report: &Report<'_>) {
    let count = match (report.operation(), report.error()) {
        (Operation::Drop, _) => &REPORTED_DROPS,
        (_, CallError::Panicked) => &REPORTED_CALLS,
        _ => &REPORTED_HANDLES,
    };
    count.add(1);
}

static STOP: AtomicBool = AtomicBool::new(false);

/// Tells all threads to end.
pub fn stop() {
    STOP.store(true, SeqCst);
}

pub fn is_stopping() -> bool {
    STOP.load(Relaxed)
}

static IN_CHILD: AtomicBool = AtomicBool::new(false);

/// This process is a forked child from here on: its values are dropped in a quiet and quick way.
pub fn enter_child() {
    IN_CHILD.store(true, SeqCst);
}

pub fn is_child() -> bool {
    IN_CHILD.load(Relaxed)
}

/// The payload of the panics that the soak raises itself.
pub struct Expected;

/// Counts nothing and prints nothing for [`Expected`]. Any other panic is a fault.
pub fn watch_panics() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !info.payload().is::<Expected>() {
            default(info);
            fault!("an unexpected panic, see above");
        }
    }));
}

pub static SEED: AtomicUsize = AtomicUsize::new(0);

/// Ends the process with a message and status 1.
macro_rules! fault {
    ($($message:tt)*) => { $crate::accounts::end_with_fault(format_args!($($message)*)) };
}
pub(crate) use fault;

#[cold]
pub fn end_with_fault(message: fmt::Arguments<'_>) -> ! {
    let place = if is_child() { " in a forked child" } else { "" };
    eprintln!("soak: FAULT{place}: {message} (seed {})", SEED.load(Relaxed));
    // At once: other threads go on, and may be about to crash.
    #[cfg(unix)]
    // SAFETY: ends the process without running anything of it.
    unsafe {
        libc::_exit(1)
    }
    #[cfg(not(unix))]
    std::process::exit(1)
}
