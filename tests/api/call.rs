//! Callbacks of C: `call` and its variants, and what they count. (Their destructors: `destroy.rs`.
//! When their values are dropped: `prompt_drops/calls.rs`. What they report:
//! `isolated/report_hook.rs`.)

use std::{
    ffi::c_void,
    panic::{panic_any, resume_unwind},
    ptr,
    sync::Arc,
};

use handle_table::{CallError, Handle, HandleError, HandleTable, QuiesceError};

use crate::{
    common::{table_kinds, Census, Witness},
    quiet,
};

/// The word that C sends for this integer.
pub(crate) fn word(raw: usize) -> *mut c_void {
    ptr::without_provenance_mut(raw)
}

/// How many words could not be used, and how many closures have panicked.
pub(crate) fn counts<T>(table: &HandleTable<T>) -> [usize; 2] {
    let stats = table.stats();
    [stats.bad_handles, stats.call_panics]
}

/// A panic whose payload panics in its drop, and so does the payload of that panic.
pub(crate) fn panic_with_a_payload_that_panics() -> ! {
    // Without memory of their own: the last payload is forgotten.
    struct Again;
    struct OnceMore;
    impl Drop for Again {
        fn drop(&mut self) {
            resume_unwind(Box::new(OnceMore));
        }
    }
    impl Drop for OnceMore {
        fn drop(&mut self) {
            resume_unwind(Box::new(()));
        }
    }
    resume_unwind(Box::new(Again))
}

const WAYS_TO_PANIC: [fn(); 4] = [
    || resume_unwind(Box::new(7)),
    || resume_unwind(Box::new("literal")),
    || resume_unwind(Box::new(String::from("formatted"))),
    || panic_with_a_payload_that_panics(),
];

#[test]
fn a_call_runs_its_closure_once_with_the_value() {
    quiet();
    for table in table_kinds() {
        let user_data = table.insert(String::from("value")).to_ptr();
        let mut runs = 0;
        let len = table.call(user_data, |value| {
            runs += 1;
            value.len()
        });
        assert_eq!((len, runs), (Ok(5), 1));
        let len = table.call_cloned(user_data, |value| {
            runs += 1;
            value.len()
        });
        assert_eq!((len, runs), (Ok(5), 2));
        let len = table.call_catching(user_data, |value| {
            runs += 1;
            value.len()
        });
        assert_eq!((len.unwrap().unwrap(), runs), (5, 3));
        assert_eq!(counts(&table), [0, 0]);
        assert!(!table.stats().to_string().contains("bad"), "{}", table.stats());
    }
}

#[test]
fn a_word_that_names_nothing_is_an_error_and_runs_nothing() {
    quiet();
    let other = HandleTable::new();
    let foreign = other.insert(7).to_raw();
    for table in table_kinds::<u64>() {
        let live = table.insert(7);
        let stale = table.insert(8);
        table.remove(stale).unwrap();
        let reserved = table.reserve();
        let not_yet = reserved.handle().to_raw();
        type Expected = fn(HandleError) -> bool;
        let words: [(usize, Expected); 6] = [
            (0, |error| error == HandleError::Null),
            (42, |error| error == HandleError::Unknown { raw: 42 }),
            (stale.to_raw(), |error| matches!(error, HandleError::Deleted { .. })),
            // On 32-bit targets a handle of another table may seem deleted, by chance.
            (foreign, |error| matches!(error.code(), -2 | -3)),
            (not_yet, |error| matches!(error, HandleError::NotYet { .. })),
            (live.to_raw() ^ 1 << (usize::BITS - 1), |error| error.code() == -2),
        ];
        for (nth, (raw, expected)) in words.into_iter().enumerate() {
            let runs = |_: &u64| -> u64 { panic!("there is no value") };
            let error = table.call_catching(word(raw), runs).map(drop).unwrap_err();
            assert!(expected(error), "{error}");
            assert_eq!(error.raw().unwrap_or(0), raw);
            assert_eq!(counts(&table)[0], 3 * nth, "the caller has the error, so it isn't counted");
            let called = table.call(word(raw), runs);
            assert_eq!(called, Err(CallError::Handle(error)));
            let called = table.call_cloned(word(raw), runs);
            assert_eq!(called, Err(CallError::Handle(error)));
            assert_eq!(CallError::from(error).code(), error.code());
            assert_eq!(CallError::from(error).to_string(), error.to_string());
            table.destroy(word(raw));
            // `free(NULL)` is no fault, a callback without user data is one.
            let bad = 3 * nth + if raw == 0 { 2 } else { 3 };
            assert_eq!(counts(&table), [bad, 0]);
            if raw == 0 {
                let _ = table.call(word(raw), runs);
            }
        }
        assert_eq!((table.cloned(live), table.len()), (Ok(7), 1));
        assert_eq!(table.cloned(reserved.fill(9)), Ok(9));
        let words = table.stats().to_string();
        assert!(words.contains("bad handles from C: 18"), "{words}");
    }
}

#[test]
fn a_panic_of_the_closure_is_contained_and_counted() {
    quiet();
    for table in table_kinds() {
        let handle = table.insert(String::from("value"));
        let user_data = handle.to_ptr();
        for (nth, way) in WAYS_TO_PANIC.into_iter().enumerate() {
            assert_eq!(table.call(user_data, |_| way()), Err(CallError::Panicked));
            assert_eq!(table.call_cloned(user_data, |_| way()), Err(CallError::Panicked));
            assert_eq!(counts(&table), [0, 2 * nth + 2]);
            // The thread is not pinned any more, and the value is where it was.
            assert_eq!(table.quiesce(), Ok(()));
            assert_eq!(table.call(user_data, String::len), Ok(5));
        }
        assert_eq!(CallError::Panicked.code(), -8);
        assert!(CallError::Panicked.to_string().contains("panicked"));
        let words = table.stats().to_string();
        assert!(words.contains("panics in callbacks: 8"), "{words}");
        assert_eq!(table.remove(handle), Ok(()));
    }
}

#[test]
fn call_catching_gives_the_payload_and_counts_nothing() {
    for table in table_kinds() {
        let user_data = table.insert(String::from("value")).to_ptr();
        let caught = table.call_catching(user_data, |value| panic_any(value.clone()));
        let payload: Result<(), _> = caught.unwrap();
        assert_eq!(payload.unwrap_err().downcast_ref(), Some(&String::from("value")));
        assert_eq!((counts(&table), table.quiesce()), ([0, 0], Ok(())));
        assert_eq!(table.call(user_data, String::len), Ok(5));
    }
}

#[test]
fn a_callback_may_delete_its_own_value_and_go_on_with_it() {
    static CENSUS: Census = Census::new();
    quiet();
    type Delete = fn(&HandleTable<Arc<Witness>>, Handle<Arc<Witness>>);
    let deletes: [Delete; 5] = [
        |table, handle| table.remove(handle).unwrap(),
        |table, handle| assert_eq!(table.remove_now(handle).err(), None),
        |table, handle| table.destroy(handle.to_ptr()),
        |table, handle| assert_eq!(table.retain(|other, _| other != handle), 1),
        |table, _| assert_eq!(table.clear(), 1),
    ];
    for table in table_kinds() {
        for delete in deletes {
            let handle = table.insert(Arc::new(CENSUS.witness(7)));
            let called = table.call(handle.to_ptr(), |value| {
                delete(&table, handle);
                // Deleted, and still there; also for a second call inside of the first.
                assert!(!table.contains(handle));
                let again = table.call(handle.to_ptr(), |_| ());
                assert!(matches!(again, Err(CallError::Handle(HandleError::Deleted { .. }))));
                assert_eq!(table.quiesce(), Err(QuiesceError::Pinned));
                (value.look(), CENSUS.left())
            });
            assert_eq!(called, Ok((7, 1)));
            table.quiesce().unwrap();
            assert_eq!(CENSUS.left(), 0);
        }
        // Each second call was an error.
        assert_eq!(counts(&table), [5, 0]);
    }
    CENSUS.assert_all_dropped_once();
}

#[test]
fn a_cloned_value_pins_nothing_while_its_callback_runs() {
    static CENSUS: Census = Census::new();
    for table in table_kinds() {
        let handle = table.insert(Arc::new(CENSUS.witness(7)));
        let called = table.call_cloned(handle.to_ptr(), |value| {
            assert_eq!(Arc::strong_count(value), 2);
            table.remove(handle).unwrap();
            // It would be refused if the thread were pinned.
            table.quiesce().unwrap();
            (value.look(), Arc::strong_count(value))
        });
        assert_eq!(called, Ok((7, 1)), "the table's clone is still there");
        assert_eq!(CENSUS.left(), 0, "the callback's clone is still there");
    }
    CENSUS.assert_all_dropped_once();
}

#[test]
fn calls_may_be_nested() {
    quiet();
    for table in table_kinds() {
        let [outer, inner] = [1, 2].map(|number| table.insert(Arc::new(number)));
        let sum = table.call(outer.to_ptr(), |one| {
            let panicked = table.call::<()>(outer.to_ptr(), |_| resume_unwind(Box::new(())));
            assert_eq!(panicked, Err(CallError::Panicked));
            let sum = table.call_cloned(inner.to_ptr(), |two| {
                table.destroy(outer.to_ptr());
                **one + table.call(inner.to_ptr(), |two| **two).unwrap() + **two
            });
            assert!(!table.contains(outer));
            sum.unwrap()
        });
        assert_eq!((sum, counts(&table)), (Ok(5), [0, 1]));
        // A panic that comes out of the inner closure and one of the outer: two, for two calls.
        let both = table.call::<()>(inner.to_ptr(), |_| {
            assert!(table.call::<()>(inner.to_ptr(), |_| resume_unwind(Box::new(()))).is_err());
            resume_unwind(Box::new(()))
        });
        assert_eq!((both, counts(&table)), (Err(CallError::Panicked), [0, 3]));
        assert_eq!(table.quiesce(), Ok(()));
    }
}

/// A value whose clone, or the drop of whose clone, panics.
struct Grumpy {
    clone_panics: bool,
    is_clone: bool,
    _witness: Witness,
}

static GRUMPY: Census = Census::new();

impl Grumpy {
    fn new(clone_panics: bool) -> Self {
        Self { clone_panics, is_clone: false, _witness: GRUMPY.witness(0) }
    }
}

impl Clone for Grumpy {
    fn clone(&self) -> Self {
        if self.clone_panics {
            panic_with_a_payload_that_panics();
        }
        Self { clone_panics: false, is_clone: true, _witness: GRUMPY.witness(1) }
    }
}

impl Drop for Grumpy {
    fn drop(&mut self) {
        if self.is_clone {
            panic_with_a_payload_that_panics();
        }
    }
}

#[test]
fn a_clone_that_panics_is_contained_wherever_it_does() {
    quiet();
    for table in table_kinds() {
        let user_data = table.insert(Grumpy::new(true)).to_ptr();
        let called = table.call_cloned::<()>(user_data, |_| unreachable!("there is no clone"));
        assert_eq!(called, Err(CallError::Panicked));
        assert_eq!(counts(&table), [0, 1]);

        let user_data = table.insert(Grumpy::new(false)).to_ptr();
        assert_eq!(table.call_cloned(user_data, |_| ()), Err(CallError::Panicked));
        assert_eq!(counts(&table), [0, 2]);
        // Two panics, one after the other: at the same time they would abort the process. One call,
        // and so one report.
        let called = table.call_cloned::<()>(user_data, |_| panic_with_a_payload_that_panics());
        assert_eq!(called, Err(CallError::Panicked));
        assert_eq!(counts(&table), [0, 3]);
        assert_eq!((table.len(), table.quiesce()), (2, Ok(())));
    }
    GRUMPY.assert_all_dropped_once();
}
