//! What the hook itself may do, and what is done without one.

use std::{
    env,
    panic::resume_unwind,
    process::Command,
    sync::{
        atomic::{AtomicUsize, Ordering::SeqCst},
        Mutex,
    },
};

use handle_table::{
    set_report_hook, CallError, HandleError, HandleTable, Operation, QuiesceError, Report,
};

use crate::{record, report_of, seen, serial::serial, value, word, Again, Bomb, Table};

#[test]
fn a_hook_that_panics_is_contained() {
    let _serial = serial();
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    fn panics(_: &Report<'_>) {
        match CALLS.fetch_add(1, SeqCst) % 2 {
            0 => resume_unwind(Box::new("in the hook")),
            _ => resume_unwind(Box::new(Again)),
        }
    }
    let table = Table::new();
    let user_data = table.insert(value()).to_ptr();
    let bombs = HandleTable::new();
    set_report_hook(panics);
    for nth in 0..6 {
        let error = table.call(word(42), |_| ()).unwrap_err();
        assert_eq!(error, CallError::Handle(HandleError::Unknown { raw: 42 }));
        let panicked = table.call::<()>(user_data, |_| resume_unwind(Box::new(7)));
        assert_eq!(panicked, Err(CallError::Panicked));
        table.destroy(word(43));
        bombs.remove(bombs.insert(Bomb("a bomb"))).unwrap();
        // Each was reported, also after a hook that has panicked.
        assert_eq!(CALLS.load(SeqCst), 4 * (nth + 1));
    }
    let stats = table.stats();
    assert_eq!([stats.bad_handles, stats.call_panics, bombs.stats().drop_panics], [12, 6, 6]);
    assert_eq!(table.quiesce(), Ok(()));
    let report = report_of(|| assert!(table.call(word(44), |_| ()).is_err()));
    assert_eq!(report.error, CallError::Handle(HandleError::Unknown { raw: 44 }));
}

#[test]
fn a_hook_may_use_tables_and_its_own_errors_are_not_reported() {
    let _serial = serial();
    static TABLE: Table = HandleTable::new();
    static BOMBS: HandleTable<Bomb> = HandleTable::new();
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    static QUIESCED: Mutex<Vec<Result<(), QuiesceError>>> = Mutex::new(Vec::new());
    fn uses_tables(report: &Report<'_>) {
        CALLS.fetch_add(1, SeqCst);
        // Errors of its own.
        assert!(TABLE.call(word(7), |_| ()).is_err());
        let user_data = TABLE.insert(value()).to_ptr();
        assert_eq!(TABLE.call(user_data, |value| value.len()), Ok(5));
        assert!(TABLE.call::<()>(user_data, |_| resume_unwind(Box::new(7))).is_err());
        TABLE.destroy(user_data);
        TABLE.destroy(user_data);
        // Inside of a drop, what is deleted is dropped when the hook has returned.
        if report.operation() != Operation::Drop {
            BOMBS.remove(BOMBS.insert(Bomb("in the hook"))).unwrap();
        }
        TABLE.flush();
        QUIESCED.lock().unwrap().push(TABLE.quiesce());
    }
    set_report_hook(uses_tables);
    let kept = TABLE.insert(value());
    for _ in 0..3 {
        assert!(TABLE.call(word(42), |_| ()).is_err());
        assert!(TABLE.call::<()>(kept.to_ptr(), |_| resume_unwind(Box::new(7))).is_err());
        assert!(TABLE.call_cloned::<()>(kept.to_ptr(), |_| resume_unwind(Box::new(7))).is_err());
        TABLE.destroy(word(43));
    }
    assert_eq!(CALLS.load(SeqCst), 12, "its own errors were reported too, or not all others");
    // No pin is held while it runs, nor is it inside of a drop.
    assert_eq!(*QUIESCED.lock().unwrap(), vec![Ok(()); 12]);
    let stats = TABLE.stats();
    assert_eq!([stats.bad_handles, stats.call_panics], [6 + 2 * 12, 6 + 12]);
    assert_eq!((stats.live, stats.pending, BOMBS.stats().drop_panics), (1, 0, 12));

    // A panic in a drop is reported while that drop goes on.
    BOMBS.remove(BOMBS.insert(Bomb("a bomb"))).unwrap();
    assert_eq!(CALLS.load(SeqCst), 13);
    assert_eq!(QUIESCED.lock().unwrap().last(), Some(&Err(QuiesceError::InsideDrop)));
    assert_eq!((BOMBS.stats().pending, TABLE.stats().pending), (0, 0));
    assert_eq!(BOMBS.stats().drop_panics, 12 + 1);
}

#[test]
fn a_hook_that_is_set_replaces_the_one_before() {
    let _serial = serial();
    static FIRST: AtomicUsize = AtomicUsize::new(0);
    static SECOND: AtomicUsize = AtomicUsize::new(0);
    let table = Table::new();
    set_report_hook(|_| _ = FIRST.fetch_add(1, SeqCst));
    table.destroy(word(42));
    set_report_hook(|_| {
        SECOND.fetch_add(1, SeqCst);
        set_report_hook(record);
    });
    table.destroy(word(42));
    seen().clear();
    table.destroy(word(42));
    assert_eq!([FIRST.load(SeqCst), SECOND.load(SeqCst), seen().len()], [1, 1, 1]);
}

/// Runs this test alone in a child, which knows by this variable that it is one.
const CHILD: &str = "HANDLE_TABLE_REPORT_HOOK_CHILD";

#[test]
fn without_a_hook_each_report_is_one_line_on_stderr() {
    if env::var_os(CHILD).is_some() {
        return child();
    }
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "hooks::without_a_hook_each_report_is_one_line_on_stderr", "--nocapture"])
        .env(CHILD, "yes")
        .output()
        .expect("this program can be run once more");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{stderr}");
    let lines: Vec<_> = stderr.lines().filter(|line| line.contains("handle-table")).collect();
    let unknown = HandleError::Unknown { raw: 42 };
    let bomb = std::any::type_name::<Bomb>();
    assert_eq!(
        lines,
        [
            format!("handle-table: a callback of u8: {unknown}"),
            format!("handle-table: a callback of u8: {}", HandleError::Null),
            format!("handle-table: a delete of u8: {unknown}"),
            "handle-table: a callback of u8: panicked: no answer".to_owned(),
            "handle-table: a callback of u8: panicked".to_owned(),
            format!("handle-table: a value's drop of {bomb}: panicked: a bomb"),
        ]
    );
}

/// Sets no hook.
fn child() {
    let (table, bombs) = (HandleTable::<u8>::new(), HandleTable::new());
    let user_data = table.insert(7).to_ptr();
    assert!(table.call(word(42), |_| ()).is_err());
    assert!(table.call(word(0), |_| ()).is_err());
    table.destroy(word(42));
    table.destroy(word(0));
    assert!(table.call::<()>(user_data, |_| resume_unwind(Box::new("no answer"))).is_err());
    assert!(table.call_cloned::<()>(user_data, |_| resume_unwind(Box::new(7))).is_err());
    assert!(table.call_catching::<()>(user_data, |_| resume_unwind(Box::new(7))).is_ok());
    bombs.remove(bombs.insert(Bomb("a bomb"))).unwrap();
}
