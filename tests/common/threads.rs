//! Threads of a test: started together or alone, stopped, and waited for.

use std::{
    sync::{
        atomic::{AtomicBool, Ordering::Release},
        Barrier,
    },
    thread,
    time::{Duration, Instant},
};

/// Runs `f(0)` to `f(n - 1)` on `n` new threads, which start together. Waits until all have ended,
/// destructors of thread-locals included.
pub(crate) fn run_concurrently<R: Send>(n: usize, f: impl Fn(usize) -> R + Sync) -> Vec<R> {
    let (gate, f) = (&Barrier::new(n), &f);
    thread::scope(|scope| {
        let run = |nth| {
            scope.spawn(move || {
                gate.wait();
                f(nth)
            })
        };
        let threads: Vec<_> = (0..n).map(run).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    })
}

/// Runs `f` on a new thread. Waits until it has ended, destructors of thread-locals included.
pub(crate) fn on_new_thread<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| scope.spawn(f).join().unwrap())
}

/// Sets a flag at the end of a scope, also if that comes by a panic: threads that run until the
/// flag is set then end as well.
pub(crate) struct SetOnDrop<'a>(pub(crate) &'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Release);
    }
}

/// Waits until `is_so`. It takes milliseconds; the deadline is for machines that are emulated.
#[track_caller]
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(600);
    while !is_so() {
        assert!(Instant::now() < deadline, "still not: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}
