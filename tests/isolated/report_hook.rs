//! What goes wrong in a callback or a `Drop` is reported: once, with all that is known. Alone in
//! its process, whose report hook it sets; one test at a time.
#![cfg(not(loom))]

#[path = "report_hook/hooks.rs"]
mod hooks;
#[path = "../common/serial.rs"]
mod serial;

use std::{
    ffi::c_void,
    panic::{panic_any, resume_unwind, set_hook, take_hook},
    ptr,
    sync::{
        atomic::{AtomicUsize, Ordering::SeqCst},
        Arc, Mutex, MutexGuard, PoisonError,
    },
    thread::{self, ThreadId},
};

use handle_table::{
    set_report_hook, CallError, Handle, HandleError, HandleTable, Operation, Report,
};

use serial::serial;

/// A report as the hook has got it.
#[derive(Clone, PartialEq, Debug)]
struct Seen {
    operation: Operation,
    type_name: &'static str,
    error: CallError,
    message: Option<String>,
    text: String,
    thread: ThreadId,
}

static SEEN: Mutex<Vec<Seen>> = Mutex::new(Vec::new());

fn seen() -> MutexGuard<'static, Vec<Seen>> {
    SEEN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn record(report: &Report<'_>) {
    seen().push(Seen {
        operation: report.operation(),
        type_name: report.type_name(),
        error: report.error(),
        message: report.panic_message().map(str::to_owned),
        text: report.to_string(),
        thread: thread::current().id(),
    });
}

/// What `f` has reported, to a hook that records it.
fn reports_of(f: impl FnOnce()) -> Vec<Seen> {
    set_report_hook(record);
    seen().clear();
    f();
    std::mem::take(&mut *seen())
}

/// The one report of `f`, which came from this thread.
#[track_caller]
fn report_of(f: impl FnOnce()) -> Seen {
    let mut seen = reports_of(f);
    assert_eq!(seen.len(), 1, "{seen:?}");
    let report = seen.remove(0);
    assert_eq!(report.thread, thread::current().id());
    report
}

/// The word that C sends for this integer.
fn word(raw: usize) -> *mut c_void {
    ptr::without_provenance_mut(raw)
}

type Value = Arc<String>;
type Table = HandleTable<Value>;

fn value() -> Value {
    Arc::new(String::from("value"))
}

/// A value whose drop panics, with this message.
struct Bomb(&'static str);

impl Drop for Bomb {
    fn drop(&mut self) {
        resume_unwind(Box::new(self.0));
    }
}

/// A payload whose own drop panics. That panic's payload is forgotten, and so has no memory.
struct Again;

impl Drop for Again {
    fn drop(&mut self) {
        resume_unwind(Box::new(()));
    }
}

#[test]
fn each_bad_handle_is_reported_once_with_its_error() {
    let _serial = serial();
    let (table, other) = (Table::new(), Table::new());
    let stale = table.insert(value());
    table.remove(stale).unwrap();
    let foreign = other.insert(value());
    let reserved = table.reserve();
    let words = [0, 42, stale.to_raw(), foreign.to_raw(), reserved.handle().to_raw()].map(word);
    type Use = fn(&Table, *mut c_void);
    let uses: [(Operation, Use); 3] = [
        (Operation::Call, |table, word| assert!(table.call(word, |_| ()).is_err())),
        (Operation::Call, |table, word| assert!(table.call_cloned(word, |_| ()).is_err())),
        (Operation::Destroy, |table, word| table.destroy(word)),
    ];
    for (operation, use_it) in uses {
        for word in words {
            if operation == Operation::Destroy && word.is_null() {
                assert_eq!(reports_of(|| use_it(&table, word)), [], "as free(NULL)");
                continue;
            }
            let error = table.call_catching(word, |_| ()).map(drop).unwrap_err();
            let report = report_of(|| use_it(&table, word));
            assert_eq!(report.operation, operation);
            assert_eq!(report.error, CallError::Handle(error));
            assert_eq!(report.type_name, std::any::type_name::<Value>());
            assert_eq!(report.message, None);
            assert!(report.text.contains(&error.to_string()), "{}", report.text);
            assert!(report.text.contains(&operation.to_string()), "{}", report.text);
            assert!(report.text.contains("String"), "{}", report.text);
        }
    }
    assert_eq!(table.stats().bad_handles, 2 * 5 + 4);
    assert_eq!(other.len(), 1);
}

#[test]
fn a_call_that_goes_well_or_tells_its_caller_is_not_reported() {
    let _serial = serial();
    let table = Table::new();
    let handle = table.insert(value());
    let stale = table.insert(value());
    table.remove(stale).unwrap();
    let seen = reports_of(|| {
        assert_eq!(table.call(handle.to_ptr(), |value| value.len()), Ok(5));
        assert_eq!(table.call_cloned(handle.to_ptr(), |value| value.len()), Ok(5));
        // These have a `Result` of their own.
        assert!(table
            .call_catching(handle.to_ptr(), |_| resume_unwind(Box::new(7)))
            .is_ok_and(|caught: thread::Result<()>| caught.is_err()));
        assert!(table.call_catching(stale.to_ptr(), |_| ()).is_err());
        assert!(table.get(stale).is_err());
        assert!(table.remove(stale).is_err());
        assert!(Handle::<Value>::from_ptr(ptr::null_mut()).is_err());
        assert!(table.get_in_signal(stale, |_| ()).is_err());
        table.destroy(handle.to_ptr());
    });
    assert_eq!(seen, []);
    assert_eq!([table.stats().bad_handles, table.stats().call_panics], [0, 0]);
}

#[test]
fn each_panic_of_a_callback_is_reported_once_with_its_message() {
    let _serial = serial();
    let table = Table::new();
    let user_data = table.insert(value()).to_ptr();
    type Way = (fn(), Option<&'static str>);
    let ways: [Way; 4] = [
        (|| resume_unwind(Box::new("a literal")), Some("a literal")),
        (|| resume_unwind(Box::new(format!("number {}", 7))), Some("number 7")),
        (|| resume_unwind(Box::new(7)), None),
        (|| resume_unwind(Box::new(Again)), None),
    ];
    for (way, message) in ways {
        type Use = fn(&Table, *mut c_void, fn()) -> Result<(), CallError>;
        let uses: [Use; 2] = [
            |table, word, way| table.call(word, |_| way()),
            |table, word, way| table.call_cloned(word, |_| way()),
        ];
        for use_it in uses {
            let report = report_of(|| {
                assert_eq!(use_it(&table, user_data, way), Err(CallError::Panicked));
            });
            assert_eq!(report.operation, Operation::Call);
            assert_eq!(report.error, CallError::Panicked);
            assert_eq!(report.error.code(), -8);
            assert_eq!(report.message.as_deref(), message);
            assert!(report.text.ends_with(message.unwrap_or("panicked")), "{}", report.text);
        }
    }
    assert_eq!(table.stats().call_panics, 8);
    assert_eq!(table.stats().bad_handles, 0);
}

/// Rust's own hook shows the panic first, which is nothing to do with this one.
#[test]
fn a_panic_is_shown_by_the_panic_hook_and_reported_by_this_one() {
    let _serial = serial();
    static SHOWN: AtomicUsize = AtomicUsize::new(0);
    let before = take_hook();
    set_hook(Box::new(|_| _ = SHOWN.fetch_add(1, SeqCst)));
    let table = Table::new();
    let user_data = table.insert(value()).to_ptr();
    let report = report_of(|| assert!(table.call::<()>(user_data, |_| panic!("{}", 7)).is_err()));
    let any = report_of(|| assert!(table.call::<()>(user_data, |_| panic_any(7)).is_err()));
    set_hook(before);
    assert_eq!((report.message.as_deref(), any.message), (Some("7"), None));
    assert_eq!(SHOWN.load(SeqCst), 2);
}

#[test]
fn each_panic_of_a_drop_is_reported_once_wherever_it_runs() {
    let _serial = serial();
    type Bombs = HandleTable<Bomb>;
    let uses: [fn(&Bombs, Handle<Bomb>); 7] = [
        |table, handle| table.remove(handle).unwrap(),
        |table, handle| assert_eq!(table.remove_now(handle), Ok(true)),
        |table, handle| drop(table.remove_ref(handle).unwrap()),
        |table, handle| table.destroy(handle.to_ptr()),
        |table, _| assert_eq!(table.clear(), 1),
        |table, handle| assert_eq!(table.call(handle.to_ptr(), |_| table.clear()), Ok(1)),
        // The last reader drops it.
        |table, handle| {
            let pinned = table.pin();
            table.remove(handle).unwrap();
            assert_eq!(seen().len(), 0);
            drop(pinned);
        },
    ];
    let assert_right = |report: &Seen| {
        assert_eq!(report.operation, Operation::Drop);
        assert_eq!(report.error, CallError::Panicked);
        assert_eq!(report.type_name, std::any::type_name::<Bomb>());
        assert_eq!(report.message.as_deref(), Some("a bomb"));
        assert!(report.text.starts_with("a value's drop of "), "{}", report.text);
        assert!(report.text.ends_with("Bomb: panicked: a bomb"), "{}", report.text);
    };
    let table = Bombs::new();
    for (nth, use_it) in uses.into_iter().enumerate() {
        let handle = table.insert(Bomb("a bomb"));
        assert_right(&report_of(|| use_it(&table, handle)));
        let stats = table.stats();
        assert_eq!([stats.drop_panics, stats.call_panics, stats.bad_handles], [nth + 1, 0, 0]);
    }
    // A table that is dropped, and one of batches, which drops many together.
    let _ = table.insert(Bomb("a bomb"));
    assert_right(&report_of(|| drop(table)));
    let batches = HandleTable::builder().batch(64).build();
    let seen = reports_of(|| {
        for _ in 0..100 {
            batches.remove(batches.insert(Bomb("a bomb"))).unwrap();
        }
        assert_eq!(batches.flush(), 36);
    });
    assert_eq!((seen.len(), batches.stats().drop_panics), (100, 100));
    seen.iter().for_each(assert_right);
}

#[test]
fn a_report_comes_on_the_thread_where_it_went_wrong() {
    let _serial = serial();
    let table = Table::new();
    let mut threads = Vec::new();
    let seen = reports_of(|| {
        for raw in 1..=8 {
            let run = || {
                assert!(table.call(word(raw), |_| ()).is_err());
                thread::current().id()
            };
            threads.push(thread::scope(|scope| scope.spawn(run).join().unwrap()));
        }
    });
    assert_eq!(seen.iter().map(|report| report.thread).collect::<Vec<_>>(), threads);
    let unknown = |raw| CallError::Handle(HandleError::Unknown { raw });
    let errors = seen.iter().map(|report| report.error);
    assert!(errors.eq((1..=8).map(unknown)), "{seen:?}");
}
