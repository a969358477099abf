//! Tables that are used in the destructors of keys of the system, as C libraries make them. These
//! run after those of thread-locals, in up to four rounds. Alone in its process, whose leases it
//! counts.
#![cfg(all(target_os = "linux", not(loom)))]
#![allow(unsafe_code)]

#[path = "../common/census.rs"]
mod census;
#[path = "../common/keys.rs"]
mod keys;
#[path = "../common/kinds.rs"]
mod kinds;
#[path = "../common/serial.rs"]
mod serial;
#[path = "../common/verbs.rs"]
mod verbs;

use std::{
    sync::{LazyLock, Mutex},
    thread,
};

use handle_table::{readers, HandleTable, Ref};

use census::{Census, Witness};
use keys::{in_rounds, ROUNDS};
use kinds::table_kinds;
use serial::serial;
use verbs::use_every_verb;

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
                in_rounds(ROUNDS, by_std, move |round| {
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

/// What a thread that began there may still hold ends with it, and what it gives back it uses no
/// more.
#[test]
fn a_thread_that_begins_in_the_destructor_of_a_key_ends_after_it() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    static TABLE: HandleTable<Witness> = HandleTable::new();
    static RESULTS: Mutex<Vec<(usize, bool, usize)>> = Mutex::new(Vec::new());
    for by_std in [true, false] {
        let mut held = None;
        in_rounds(ROUNDS, by_std, move |round| {
            let handle = TABLE.insert(CENSUS.witness(round));
            let value = TABLE.get(handle).unwrap();
            let has_lease = readers().iter().any(|reader| reader.id().is_some());
            TABLE.remove(handle).unwrap();
            RESULTS.lock().unwrap().push((round, has_lease, CENSUS.left()));
            if round == 0 {
                held = Some(Held(value));
            } else if round == 2 {
                drop(held.take());
            }
        });
        let results = std::mem::take(&mut *RESULTS.lock().unwrap());
        // The lease is kept until the guard of the first round is gone. Where thread-locals are
        // keys, see `.ci/notls`, the crate's own are then made anew, with a lease.
        let are_keys = std::env::var_os("HANDLE_TABLE_KEYS").is_some();
        assert_eq!(results, [(0, true, 1), (1, true, 2), (2, true, 3), (3, are_keys, 1)]);
        assert_eq!(readers(), []);
        assert_eq!(TABLE.quiesce(), Ok(()));
        CENSUS.assert_all_dropped_once();
    }
}

/// A guard that stays on its thread.
struct Held(#[allow(dead_code)] Ref<'static, Witness>);

// SAFETY: what has it is made for one thread, and the guard is made there.
unsafe impl Send for Held {}

/// Fails if such a thread keeps its lease, of which there are 1,024.
#[test]
fn a_thread_that_begins_in_the_destructor_of_a_key_returns_its_lease() {
    let _serial = serial();
    static TABLE: HandleTable<String> = HandleTable::new();
    for by_std in [true, false] {
        // In the last round it would depend on which key was made first.
        for first in 0..ROUNDS - 1 {
            for n in 0..400 {
                in_rounds(ROUNDS, by_std, move |round| {
                    if round == first && n % 2 == 0 {
                        TABLE.remove(TABLE.insert("value".into())).unwrap();
                    } else if round == first {
                        TABLE.quiesce().unwrap();
                    }
                });
            }
        }
    }
    let reader = thread::spawn(|| {
        let _pinned = TABLE.pin();
        readers()[0].id()
    });
    assert!(reader.join().unwrap().is_some(), "no lease is left");
}
