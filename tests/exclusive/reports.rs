//! What the report hook is told.

use std::{cell::RefCell, ptr};

use handle_table::{set_report_hook, CallError, Exclusive, Handle, HandleError, HandleTable};
use handle_table::{Operation, Report};

type Cell = Exclusive<String>;

static TABLE: HandleTable<Cell> = HandleTable::new();

thread_local! {
    /// The value that the hook borrows, and what it was told on this thread.
    static VALUE: RefCell<Option<Handle<Cell>>> = const { RefCell::new(None) };
    static TOLD: RefCell<Vec<(Operation, CallError, Option<String>)>> =
        const { RefCell::new(Vec::new()) };
}

fn hook(report: &Report<'_>) {
    let Some(handle) = VALUE.with(|value| *value.borrow()) else { return };
    assert!(report.type_name().contains("Exclusive<"), "{report}");
    let message = report.panic_message().map(String::from);
    TOLD.with(|told| told.borrow_mut().push((report.operation(), report.error(), message)));
    if let Ok(mut value) = TABLE.get_mut(handle) {
        value.push('!');
    }
}

/// Takes the reports of all tests of this binary, in place of stderr.
pub(crate) fn take_reports() {
    set_report_hook(hook);
}

#[test]
fn each_failure_is_reported_once_and_after_the_borrow() {
    take_reports();
    let handle = TABLE.insert(Exclusive::new(String::new()));
    VALUE.with(|value| *value.borrow_mut() = Some(handle));

    let panicked: Result<(), _> = TABLE.call_mut(handle.to_ptr(), |_| panic!("a bug"));
    assert_eq!(panicked, Err(CallError::Panicked));
    assert_eq!(*TABLE.get_mut(handle).unwrap(), "!", "the hook can borrow the value");
    assert!(TABLE.call_mut(ptr::null_mut(), |_| ()).is_err());
    let inner = TABLE.call_mut(handle.to_ptr(), |_| TABLE.call_mut(handle.to_ptr(), |_| ()));
    let busy = CallError::Handle(HandleError::Busy { raw: handle.to_raw() });
    assert_eq!(inner, Ok(Err(busy)));
    // It reports nothing: its caller is told.
    let borrowed = TABLE.get_mut(handle).unwrap();
    assert!(TABLE.get_mut(handle).is_err());
    drop(borrowed);

    let null = CallError::Handle(HandleError::Null);
    let expected = [
        (Operation::Call, CallError::Panicked, Some("a bug".to_owned())),
        (Operation::Call, null, None),
        (Operation::Call, busy, None),
    ];
    assert_eq!(TOLD.with(|told| told.take()), expected);
    assert_eq!(*TABLE.get_mut(handle).unwrap(), "!!", "not while it was busy");
}
