//! Destructors of keys of the system, as C libraries make them. They run after those of
//! thread-locals.

use std::{
    ffi::{c_char, c_void},
    ptr,
    sync::LazyLock,
    thread,
};

/// For LeakSanitizer: glibc never frees what std tells it of thread-locals in such a destructor.
#[no_mangle]
extern "C" fn __lsan_default_suppressions() -> *const c_char {
    c"leak:__cxa_thread_atexit_impl".as_ptr()
}

/// The system calls destructors again that have set their key anew, so many times.
#[allow(dead_code)] // Of two tests one needs it.
pub(crate) const ROUNDS: usize = 4;

/// Has a new thread, made by std or by C, call `f` in so many rounds of the destructors of its
/// keys. (ThreadSanitizer does not survive code in the last one.)
pub(crate) fn in_rounds(rounds: usize, by_std: bool, f: impl FnMut(usize) + Send + 'static) {
    struct State {
        round: usize,
        rounds: usize,
        f: Box<dyn FnMut(usize) + Send>,
    }

    extern "C" fn destructor(state: *mut c_void) {
        let state = state.cast::<State>();
        // SAFETY: `start` got it of `run`, and this is the thread's only use of it.
        let ends = unsafe {
            ((*state).f)((*state).round);
            (*state).round += 1;
            (*state).round == (*state).rounds
        };
        if ends {
            // SAFETY: boxed by `run`, and the key has it no longer.
            drop(unsafe { Box::from_raw(state) });
        } else {
            start(state.cast());
        }
    }

    extern "C" fn start(state: *mut c_void) -> *mut c_void {
        // Made after std's own key, where a thread is by std, so that std's goes first.
        static KEY: LazyLock<libc::pthread_key_t> = LazyLock::new(|| {
            let mut key = 0;
            // SAFETY: it writes a key.
            assert_eq!(unsafe { libc::pthread_key_create(&mut key, Some(destructor)) }, 0);
            key
        });
        // SAFETY: the key was made.
        assert_eq!(unsafe { libc::pthread_setspecific(*KEY, state) }, 0);
        ptr::null_mut()
    }

    let state =
        Box::into_raw(Box::new(State { round: 0, rounds, f: Box::new(f) })).cast::<c_void>();
    if by_std {
        let state = state.expose_provenance();
        thread::spawn(move || _ = start(ptr::with_exposed_provenance_mut(state))).join().unwrap();
        return;
    }
    let mut thread = 0;
    // SAFETY: the attributes are the default, and the thread is joined.
    unsafe {
        assert_eq!(libc::pthread_create(&mut thread, ptr::null(), start, state), 0);
        assert_eq!(libc::pthread_join(thread, ptr::null_mut()), 0);
    }
}
