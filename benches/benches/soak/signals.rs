//! Signals to threads that use tables, whose handler looks up values.

use std::time::Duration;

#[cfg(unix)]
pub use imp::{accept, send_until_the_end};

/// Signals are Unix's.
#[cfg(not(unix))]
pub fn accept() {}

#[cfg(not(unix))]
pub fn send_until_the_end(_: u64) {}

/// Between two signals, at most.
const PAUSE: Duration = Duration::from_micros(400);

#[cfg(unix)]
mod imp {
    use std::{
        mem, ptr,
        sync::{
            atomic::{AtomicUsize, Ordering::Relaxed},
            Mutex, PoisonError,
        },
        thread,
    };

    use handle_table::{Handle, HandleError};

    use super::PAUSE;
    use crate::{
        accounts::{fault, is_stopping, SEEN_IN_SIGNALS, SIGNALS, WRONG_IN_SIGNALS},
        random::Rng,
        tables::{ANYS, GLOBAL, MUTABLE, TOKENS, WORDS},
        value::{Soaked, Token},
    };

    /// The threads that get signals.
    static THREADS: Mutex<Vec<libc::pthread_t>> = Mutex::new(Vec::new());

    /// Ends the signals to the calling thread.
    pub struct Accepting(libc::pthread_t);

    /// Lets the calling thread get signals.
    pub fn accept() -> Accepting {
        // SAFETY: it takes nothing.
        let me = unsafe { libc::pthread_self() };
        THREADS.lock().unwrap_or_else(PoisonError::into_inner).push(me);
        Accepting(me)
    }

    impl Drop for Accepting {
        fn drop(&mut self) {
            let mut threads = THREADS.lock().unwrap_or_else(PoisonError::into_inner);
            threads.retain(|thread| *thread != self.0);
        }
    }

    pub fn send_until_the_end(seed: u64) {
        install();
        let mut rng = Rng::new(seed, u64::MAX - 2);
        while !is_stopping() {
            thread::sleep(PAUSE.mul_f64(rng.below(100) as f64 / 100.0));
            let threads = THREADS.lock().unwrap_or_else(PoisonError::into_inner);
            if !threads.is_empty() {
                let thread = threads[rng.below(threads.len())];
                // SAFETY: the thread leaves the list before it ends, for which it needs the lock.
                unsafe { libc::pthread_kill(thread, libc::SIGUSR1) };
            }
        }
    }

    fn install() {
        // SAFETY: all zeroes is a `sigaction`, and the handler does only what a handler may.
        let result = unsafe {
            let mut action: libc::sigaction = mem::zeroed();
            action.sa_sigaction = on_signal as extern "C" fn(libc::c_int) as usize;
            action.sa_flags = libc::SA_RESTART;
            libc::sigaction(libc::SIGUSR1, &action, ptr::null_mut())
        };
        if result != 0 {
            fault!("sigaction");
        }
    }

    /// Counts what a look-up has found. The watch tells of wrong values.
    fn check(found: Result<bool, HandleError>) {
        match found {
            Ok(true) => SEEN_IN_SIGNALS.add(1),
            Err(HandleError::Deleted { .. } | HandleError::WrongType { .. }) => {}
            _ => WRONG_IN_SIGNALS.add(1),
        }
    }

    fn each<K: ?Sized>(shown: &[AtomicUsize], look: impl Fn(Handle<K>)) {
        shown.iter().filter_map(|raw| Handle::from_raw(raw.load(Relaxed)).ok()).for_each(look);
    }

    extern "C" fn on_signal(_: libc::c_int) {
        each(&TOKENS.pool.shown, |handle| {
            let found = TOKENS.table.get_in_signal(handle, |token| {
                // One look-up inside the other.
                _ = TOKENS.table.contains(handle);
                check(TOKENS.table.get_in_signal(handle, is_right));
                is_right(token)
            });
            check(found);
        });
        each(&WORDS.pool.shown, |handle| check(WORDS.table.get_in_signal(handle, is_right)));
        each(&ANYS.pool.shown, |handle| {
            check(ANYS.table().get_in_signal(handle, is_right::<Token>));
        });
        each(&GLOBAL.pool.shown, |handle: Handle| check(handle.value_in_signal(is_right::<Token>)));
        each(&MUTABLE.pool.shown, |handle| {
            check(MUTABLE.table.get_in_signal(handle, |cell| {
                cell.try_borrow_mut().is_none_or(|mut value| value.change().is_some())
            }));
        });
        SIGNALS.add(1);
    }

    fn is_right<T: Soaked>(value: &T) -> bool {
        value.number().is_some()
    }
}
