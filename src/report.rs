//! [`Report`]: what went wrong where nobody can be told by a `Result`, and the hook that is called
//! with it.

use std::{
    any::Any,
    cell::Cell,
    fmt,
    io::{self, Write},
    mem,
    panic::{catch_unwind, AssertUnwindSafe},
    thread_local,
};

use crate::{
    error::CallError,
    sync::{AtomicFunction, AtomicUsize, Ordering},
};

/// What was going on when something went wrong; see [`Report`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Operation {
    /// A callback from C: `call` or one of its variants.
    Call,
    /// A delete for C: `destroy`, a [`destroy_callback!`](crate::destroy_callback), or the end of
    /// an [`Owned`](crate::Owned).
    Destroy,
    /// The `Drop` of a value.
    Drop,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Call => "a callback",
            Self::Destroy => "a delete",
            Self::Drop => "a value's drop",
        })
    }
}

/// Something that went wrong in code that C has called, or in a `Drop`: a handle that names
/// nothing, or a panic. [`set_report_hook`] says who gets it.
///
/// # Example
///
/// ```
/// use handle_table::{set_report_hook, HandleTable, Report};
///
/// fn log(report: &Report<'_>) {
///     // `a callback of i32: the handle 0x2a was never issued by this table (garbage, ...)`
///     eprintln!("handles: {report}, code {}", report.error().code());
/// }
///
/// set_report_hook(log);
/// let table = HandleTable::<i32>::new();
/// let garbage = std::ptr::without_provenance_mut(42);
/// assert!(table.call(garbage, |number| *number).is_err()); // and `log` was called once
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Report<'r> {
    operation: Operation,
    type_name: &'static str,
    error: CallError,
    message: Option<&'r str>,
}

impl Report<'_> {
    /// What was going on.
    #[must_use]
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// The type of the table's values, as [`std::any::type_name`] shows it.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        self.type_name
    }

    /// What went wrong; a panic in a `Drop` is [`CallError::Panicked`] too. Its
    /// [`code`](CallError::code) is for C.
    #[must_use]
    pub fn error(&self) -> CallError {
        self.error
    }

    /// The message of the panic, if it was one, and if its payload is a string.
    #[must_use]
    pub fn panic_message(&self) -> Option<&str> {
        self.message
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}: ", self.operation, self.type_name)?;
        match (self.error, self.message) {
            (CallError::Handle(error), _) => error.fmt(f),
            (CallError::Panicked, Some(message)) => write!(f, "panicked: {message}"),
            (CallError::Panicked, None) => f.write_str("panicked"),
        }
    }
}

/// The hook: null, or a `fn(&Report<'_>)`.
static HOOK: AtomicFunction = AtomicFunction::none();

/// Has `hook` called with every [`Report`] of the process from here on, in place of the default: a
/// line on stderr.
///
/// Reports are for what no `Result` can tell, or tells to code that has only C to tell it to:
///
/// - [`call`](crate::HandleTable::call) and its variants: a handle that names nothing, and a panic
///   in the closure. The caller gets the same as an `Err`.
/// - [`destroy_callback!`](crate::destroy_callback), [`Handle::destroy`](crate::Handle::destroy)
///   and [`Owned`](crate::Owned): a handle that can't be deleted.
/// - The `Drop` of a value that panics.
///
/// Each is reported once, and [counted](crate::Stats) by its table. (Rust's panic hook has shown a
/// panic before.) The hook runs on the thread where it went wrong, with no lock and no pin of this
/// crate's. It may use tables. If it panics, the panic is contained; what goes wrong inside it is
/// not reported again. (A value that it deletes while it reports a drop is dropped after it, and a
/// panic of that is another report.) It should be a function of the program, not of a library:
/// there is one.
///
/// # Example
///
/// ```
/// use handle_table::{set_report_hook, Handle};
/// use std::sync::atomic::{AtomicUsize, Ordering};
///
/// static REPORTS: AtomicUsize = AtomicUsize::new(0);
///
/// set_report_hook(|_| _ = REPORTS.fetch_add(1, Ordering::Relaxed));
/// let user_data = Handle::new(7).to_ptr();
/// // SAFETY: any word is safe to delete.
/// unsafe { Handle::destroy(user_data) };
/// unsafe { Handle::destroy(user_data) }; // twice: the second one is reported
/// assert_eq!(REPORTS.load(Ordering::Relaxed), 1);
/// ```
///
/// # Progress and cost
///
/// Wait-free: one store.
pub fn set_report_hook(hook: fn(&Report<'_>)) {
    HOOK.set(hook as *mut ());
}

/// What a table counts of its reports.
#[derive(Debug)]
pub(crate) struct ReportCounts {
    bad_handles: AtomicUsize,
    call_panics: AtomicUsize,
}

impl ReportCounts {
    crate::sync::const_unless_loom! {
        pub(crate) const fn new() -> Self {
            Self { bad_handles: AtomicUsize::new(0), call_panics: AtomicUsize::new(0) }
        }
    }

    /// Handles that named nothing.
    pub(crate) fn bad_handles(&self) -> usize {
        // edge: none. A count.
        self.bad_handles.load(Ordering::Relaxed)
    }

    /// Closures that panicked.
    pub(crate) fn call_panics(&self) -> usize {
        // edge: none. A count.
        self.call_panics.load(Ordering::Relaxed)
    }

    /// Counts and reports a handle from C that can't be used.
    #[cold]
    #[inline(never)]
    pub(crate) fn bad_handle(
        &self,
        operation: Operation,
        type_name: fn() -> &'static str,
        error: impl Into<CallError>,
    ) -> CallError {
        let error = error.into();
        // edge: none. A count.
        self.bad_handles.fetch_add(1, Ordering::Relaxed);
        send(&Report { operation, type_name: type_name(), error, message: None });
        error
    }

    /// Counts and reports a panic in a closure.
    #[cold]
    #[inline(never)]
    pub(crate) fn call_panicked(
        &self,
        type_name: fn() -> &'static str,
        payload: Box<dyn Any + Send>,
    ) {
        // edge: none. A count.
        self.call_panics.fetch_add(1, Ordering::Relaxed);
        panicked(Operation::Call, type_name, payload);
    }
}

/// Reports a panic that was caught. The caller counts it.
#[cold]
#[inline(never)]
pub(crate) fn panicked(
    operation: Operation,
    type_name: fn() -> &'static str,
    payload: Box<dyn Any + Send>,
) {
    let error = CallError::Panicked;
    let message = (payload.downcast_ref::<String>().map(String::as_str))
        .or_else(|| payload.downcast_ref::<&str>().copied());
    send(&Report { operation, type_name: type_name(), error, message });
    drop_payload(payload);
}

/// The payload may panic in its own drop, too, and that panic's payload again.
pub(crate) fn drop_payload(payload: Box<dyn Any + Send>) {
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        mem::forget(again);
    }
}

thread_local! {
    /// Whether this thread is in a hook.
    static REPORTING: Cell<bool> = const { Cell::new(false) };
}

/// Calls the hook. No panic gets out.
fn send(report: &Report<'_>) {
    let was_reporting = REPORTING.try_with(|reporting| reporting.replace(true)).unwrap_or(false);
    if was_reporting {
        return;
    }
    let hook = HOOK.get();
    let call = || {
        if hook.is_null() {
            write_line(report);
        } else {
            // SAFETY: `set_report_hook` stores nothing else.
            let hook: fn(&Report<'_>) = unsafe { mem::transmute(hook) };
            hook(report);
        }
    };
    if let Err(payload) = catch_unwind(AssertUnwindSafe(call)) {
        drop_payload(payload);
    }
    _ = REPORTING.try_with(|reporting| reporting.set(false));
}

/// The default: one line, in one piece, and no matter if it can't be written.
fn write_line(report: &Report<'_>) {
    let line = format!("handle-table: {report}\n");
    _ = io::stderr().write_all(line.as_bytes());
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::error::HandleError;

    thread_local! {
        static SEEN: Cell<Vec<String>> = const { Cell::new(Vec::new()) };
    }

    /// The reports of other threads come here, too.
    fn note(report: &Report<'_>) {
        let mut seen = SEEN.take();
        seen.push(format!("{report} {} {:?}", report.type_name(), report.panic_message()));
        SEEN.set(seen);
    }

    #[test]
    fn each_report_is_counted_and_reaches_the_hook_once() {
        /// Panics in its own drop. The payload of that panic is forgotten, so it has no memory.
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                std::panic::panic_any(());
            }
        }
        set_report_hook(note);
        let (counts, name) = (ReportCounts::new(), || "T");
        for _ in 0..2 {
            let error = counts.bad_handle(Operation::Destroy, name, HandleError::Null);
            assert_eq!(error, CallError::Handle(HandleError::Null));
        }
        assert_eq!((counts.bad_handles(), counts.call_panics()), (2, 0));
        for payload in [Box::new("one") as Box<dyn Any + Send>, Box::new(String::from("two"))] {
            counts.call_panicked(name, payload);
        }
        assert_eq!((counts.bad_handles(), counts.call_panics()), (2, 2));
        panicked(Operation::Drop, name, Box::new(Bomb));
        let null = "a delete of T: the handle is null (zero is never a handle) T None";
        let (one, two) = ("a callback of T: panicked: one", "a callback of T: panicked: two");
        let panics = [format!("{one} T Some(\"one\")"), format!("{two} T Some(\"two\")")];
        let drop = "a value's drop of T: panicked T None";
        assert_eq!(SEEN.take(), [null, null, &panics[0], &panics[1], drop]);
    }
}
