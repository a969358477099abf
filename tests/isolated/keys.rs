//! Tables that are used in the destructors of keys of the system, as C libraries make them. These
//! run after those of thread-locals, in up to four rounds. Alone in its process, whose leases it
//! counts.
#![cfg(all(target_os = "linux", not(loom)))]
#![allow(unsafe_code)]

#[path = "../common/census.rs"]
mod census;
#[path = "../common/kinds.rs"]
mod kinds;
#[path = "../common/serial.rs"]
mod serial;
#[path = "../common/verbs.rs"]
mod verbs;

use std::{
    ffi::c_void,
    ptr,
    sync::{LazyLock, Mutex},
    thread,
};

use handle_table::HandleTable;

use census::{Census, Witness};
use kinds::table_kinds;
use serial::serial;
use verbs::use_every_verb;

/// The system calls destructors again that have set their key anew, so many times.
const ROUNDS: usize = 4;

/// Has a new thread, made by std or by C, call `f` in each round of the destructors of its keys.
fn in_each_round(by_std: bool, f: impl FnMut(usize) + Send + 'static) {
    struct State {
        round: usize,
        f: Box<dyn FnMut(usize) + Send>,
    }

    extern "C" fn destructor(state: *mut c_void) {
        let state = state.cast::<State>();
        // SAFETY: `start` got it of `run`, and this is the thread's only use of it.
        let ends = unsafe {
            ((*state).f)((*state).round);
            (*state).round += 1;
            (*state).round == ROUNDS
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

    let state = Box::into_raw(Box::new(State { round: 0, f: Box::new(f) })).cast::<c_void>();
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

/// Fails if a first use panics where `std::thread::current` does.
#[test]
fn a_table_works_in_the_destructors_of_keys() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    static TABLES: LazyLock<Vec<HandleTable<Witness>>> = LazyLock::new(|| table_kinds().collect());
    static RESULTS: Mutex<Vec<(usize, Vec<&str>)>> = Mutex::new(Vec::new());
    for by_std in [true, false] {
        for first in 0..ROUNDS {
            for table in TABLES.iter() {
                in_each_round(by_std, move |round| {
                    if round >= first {
                        let wrong = use_every_verb(table, |n| CENSUS.witness(n), Witness::look);
                        RESULTS.lock().unwrap().push((round, wrong));
                    }
                });
            }
        }
    }
    let results = RESULTS.lock().unwrap();
    assert_eq!(results.len(), 2 * (4 + 3 + 2 + 1) * TABLES.len());
    for (round, wrong) in results.iter() {
        assert!(wrong.is_empty(), "round {round}: {wrong:?}");
    }
    for table in TABLES.iter() {
        table.quiesce().unwrap();
        let stats = table.stats();
        assert_eq!((stats.live, stats.pending, stats.drop_panics), (0, 0, 0));
    }
    CENSUS.assert_all_dropped_once();
}
