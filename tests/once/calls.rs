//! What callbacks from C use, and what is reported. The hook is the process's; the tests tell their
//! reports by the types of their values.

use std::{
    any::type_name,
    ffi::c_void,
    panic::{panic_any, resume_unwind},
    ptr,
    sync::{Mutex, Once},
};

use handle_table::{
    destroy_callback, set_report_hook, CallError, HandleError, OnceTable, Operation, Report,
};

use crate::{
    assert_empty,
    common::{Census, Witness},
    kinds,
};

type Reported = (Operation, &'static str, CallError, Option<String>);

static REPORTS: Mutex<Vec<Reported>> = Mutex::new(Vec::new());

fn note(report: &Report<'_>) {
    let message = report.panic_message().map(String::from);
    let report = (report.operation(), report.type_name(), report.error(), message);
    REPORTS.lock().unwrap().push(report);
}

/// What was reported of values of this type since the last call.
fn reports_of<T>() -> Vec<(Operation, CallError, Option<String>)> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| set_report_hook(note));
    let mut reports = REPORTS.lock().unwrap();
    let (ours, others) =
        reports.drain(..).partition::<Vec<_>, _>(|report| report.1 == type_name::<T>());
    *reports = others;
    ours.into_iter().map(|(operation, _, error, message)| (operation, error, message)).collect()
}

#[test]
fn call_once_takes_the_value_once() {
    struct Value(u32);
    assert!(reports_of::<Value>().is_empty());
    for table in kinds() {
        let user_data = table.insert(Value(7)).to_ptr();
        assert_eq!(table.call_once(user_data, |value| value.0 + 1), Ok(8));
        assert!(reports_of::<Value>().is_empty());

        let again = table.call_once(user_data, |value| value.0);
        let Err(error @ CallError::Handle(HandleError::Deleted { raw, .. })) = again else {
            panic!("{again:?}");
        };
        assert_eq!(raw, user_data.addr());
        assert_eq!(reports_of::<Value>(), [(Operation::Call, error, None)], "once");
        assert_eq!(table.stats().bad_handles, 1);
        assert_empty(&table);
    }
}

#[test]
fn call_once_takes_any_word() {
    struct Value;
    assert!(reports_of::<Value>().is_empty());
    let table = OnceTable::new();
    let live = table.insert(Value);
    let call = |word| {
        table.call_once(ptr::without_provenance_mut(word), |_: Value| unreachable!("no value"))
    };
    let null: Result<(), _> = call(0);
    assert_eq!(null, Err(HandleError::Null.into()));
    assert_eq!(call(42), Err(HandleError::Unknown { raw: 42 }.into()));
    let reports = reports_of::<Value>();
    assert_eq!(reports.len(), 2, "{reports:?}");
    assert_eq!(table.stats().bad_handles, 2);

    let early = table.insert_with(|me| {
        assert_eq!(call(me.to_raw()), Err(HandleError::NotYet { raw: me.to_raw() }.into()));
        Value
    });
    assert!(table.call_once(early.to_ptr(), drop).is_ok());
    assert!(table.call_once(live.to_ptr(), drop).is_ok());
    assert_eq!(reports_of::<Value>().len(), 1);
}

#[test]
fn a_panic_in_call_once_is_contained_and_the_value_gone() {
    struct Value(Witness);
    static CENSUS: Census = Census::new();
    assert!(reports_of::<Value>().is_empty());
    for table in kinds() {
        let call = |how: fn(Value)| {
            let user_data = table.insert(Value(CENSUS.witness(7))).to_ptr();
            assert_eq!(table.call_once(user_data, how), Err(CallError::Panicked));
            CENSUS.assert_all_dropped_once();
            user_data
        };
        call(|value| panic!("number {}", value.0.look()));
        call(|_| panic!("a literal"));
        call(|value| panic_any(value));
        let last = call(|_| resume_unwind(Box::new(7)));

        let panicked = |message: Option<&str>| {
            (Operation::Call, CallError::Panicked, message.map(String::from))
        };
        let expected = [Some("number 7"), Some("a literal"), None, None].map(panicked);
        assert_eq!(reports_of::<Value>(), expected);
        assert_eq!((table.stats().call_panics, table.stats().drop_panics), (4, 0));
        assert!(matches!(
            table.call_once(last, |_| ()),
            Err(CallError::Handle(HandleError::Deleted { .. }))
        ));
        assert_eq!(reports_of::<Value>().len(), 1);
        assert_empty(&table);
    }
}

#[test]
fn a_callback_may_register_itself_anew() {
    struct Timer(u32);
    static TIMERS: OnceTable<Timer> = OnceTable::new();

    extern "C" fn on_timer(user_data: *mut c_void) -> *mut c_void {
        let again = TIMERS.call_once(user_data, |Timer(left)| {
            assert!(TIMERS.call_once(user_data, drop).is_err(), "already taken");
            match left {
                0 => ptr::null_mut(),
                more => TIMERS.insert(Timer(more - 1)).to_ptr(),
            }
        });
        again.unwrap_or(ptr::null_mut())
    }

    let mut user_data = TIMERS.insert(Timer(5)).to_ptr();
    let mut turns = 0;
    while !user_data.is_null() {
        user_data = on_timer(user_data);
        turns += 1;
    }
    assert_eq!(turns, 6);
    assert_empty(&TIMERS);
}

#[test]
#[allow(unsafe_code)]
fn a_destroy_callback_removes_the_value() {
    struct Value(#[allow(dead_code)] Witness);
    static CENSUS: Census = Census::new();
    static TABLE: OnceTable<Value> = OnceTable::new();

    assert!(reports_of::<Value>().is_empty());
    let destroy: unsafe extern "C" fn(*mut c_void) = destroy_callback!(TABLE);
    let user_data = TABLE.insert(Value(CENSUS.witness(0))).to_ptr();
    // SAFETY: any word is safe.
    unsafe { destroy(user_data) };
    CENSUS.assert_all_dropped_once();
    // SAFETY: any word is safe.
    unsafe { destroy(ptr::null_mut()) };
    assert!(reports_of::<Value>().is_empty(), "null is nothing, as with `free`");
    // SAFETY: any word is safe.
    unsafe { destroy(user_data) };
    let reports = reports_of::<Value>();
    let [(Operation::Destroy, CallError::Handle(HandleError::Deleted { .. }), None)] = reports[..]
    else {
        panic!("{reports:?}");
    };
    assert_eq!(TABLE.stats().bad_handles, 1);
}

#[test]
fn a_panicking_drop_is_reported_once_under_the_values_own_type() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("a panic in a drop, which this test wants");
        }
    }
    let report = || {
        let message = Some("a panic in a drop, which this test wants".into());
        (Operation::Drop, CallError::Panicked, message)
    };
    assert!(reports_of::<Bomb>().is_empty());
    for table in kinds() {
        let [one, two, three] = [(); 3].map(|()| table.insert(Bomb));
        table.remove(one).unwrap();
        assert_eq!(reports_of::<Bomb>(), [report()]);
        table.destroy(two.to_ptr());
        assert_eq!(reports_of::<Bomb>(), [report()]);
        assert!(table.contains(three));
        drop(table);
        assert_eq!(reports_of::<Bomb>(), [report()]);
    }
}
