//! Mistakes that C code makes with user data, made on purpose through SQLite.
//!
//! With a pointer, each would be a use after free, a double free or worse.
//! With a handle, each gets an error, and is reported once.

use std::{ffi::CStr, panic, ptr};

use handle_table::{destroy_callback, CallError, Handle, HandleError};

use crate::{
    reports,
    sqlite::{Connection, SqlFunction},
    state::{create_scalar, on_update, scalar, Quantile, Scalar, QUANTILES, SCALARS},
    Outcome,
};

/// One misuse, and what was reported.
pub(crate) struct Case {
    pub(crate) what: &'static str,
    pub(crate) report: String,
}

/// Whether an error is the expected one.
type Expected = fn(HandleError) -> bool;

/// Makes all mistakes.
///
/// # Errors
///
/// A mistake that did not get the expected error.
pub(crate) fn run() -> Outcome<Vec<Case>> {
    let connection = Connection::open()?;
    let mut cases = Vec::new();
    shared_handle(&connection, &mut cases)?;
    wrong_words(&connection, &mut cases)?;
    wrong_type(&connection, &mut cases)?;
    panic_in_callback(&connection, &mut cases)?;
    Ok(cases)
}

/// One handle for two functions: SQLite deletes it with each of them.
fn shared_handle(connection: &Connection, cases: &mut Vec<Case>) -> Outcome<()> {
    let shared = SCALARS.insert(Scalar(Box::new(|n| n + 1))).to_ptr();
    let destroy = destroy_callback!(SCALARS);
    for name in [c"first", c"second"] {
        let function = SqlFunction::Scalar(scalar);
        // SAFETY: the callbacks take any user data.
        unsafe { connection.create_function(name, function, shared, Some(destroy))? };
    }
    connection.delete_function(c"first")?;
    cases.push(Case {
        what: "Late callback: the handle was deleted with another function that shared it.",
        report: refused_call(connection, c"SELECT second(1)", is_deleted)?,
    });
    connection.delete_function(c"second")?;
    cases.push(Case {
        what: "Double delete: SQLite destroys the second function too.",
        report: refused(is_deleted)?.1,
    });
    Ok(())
}

fn wrong_words(connection: &Connection, cases: &mut Vec<Case>) -> Outcome<()> {
    let other_table = QUANTILES.insert(Quantile(500));
    let garbage = ptr::without_provenance_mut(0xdead_beef);
    let words: [(_, _, Expected); 3] = [
        ("Garbage: 0xdeadbeef as user data.", garbage, is_unknown),
        ("Null as user data.", ptr::null_mut(), is_null),
        ("Wrong table: a scalar function gets a quantile.", other_table.to_ptr(), is_unknown),
    ];
    for (what, user_data, expected) in words {
        let function = SqlFunction::Scalar(scalar);
        // SAFETY: `scalar` takes any user data.
        unsafe { connection.create_function(c"wrong", function, user_data, None)? };
        cases.push(Case { what, report: refused_call(connection, c"SELECT wrong(1)", expected)? });
    }
    QUANTILES.remove(other_table)?;
    Ok(())
}

fn wrong_type(connection: &Connection, cases: &mut Vec<Case>) -> Outcome<()> {
    let text = Handle::new(String::from("text"));
    // SAFETY: `on_update` takes any user data.
    unsafe { connection.set_update_hook(on_update, text.to_ptr()) };
    connection.run::<0>(c"CREATE TABLE one (n)")?;
    connection.run::<0>(c"INSERT INTO one VALUES (1)")?;
    cases.push(Case {
        what: "Wrong type: an update hook gets the handle of a string.",
        report: refused(is_wrong_type)?.1,
    });
    text.try_delete()?;
    Ok(())
}

fn panic_in_callback(connection: &Connection, cases: &mut Vec<Case>) -> Outcome<()> {
    create_scalar(connection, c"panics", |n| panic!("no answer to {n}"))?;
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| ())); // the panic is wanted, so its message is not printed
    let outcome = connection.run::<1>(c"SELECT panics(1)");
    panic::set_hook(hook);
    let (error, report) = the_report()?;
    if error != CallError::Panicked || !report.ends_with("panicked: no answer to 1") {
        return Err(format!("not the report of the panic: {report}").into());
    }
    answered(outcome, error)?;
    cases.push(Case { what: "Panic in a callback: it must not unwind through SQLite.", report });
    Ok(())
}

fn is_null(error: HandleError) -> bool {
    error == HandleError::Null
}

fn is_deleted(error: HandleError) -> bool {
    matches!(error, HandleError::Deleted { .. })
}

fn is_unknown(error: HandleError) -> bool {
    matches!(error, HandleError::Unknown { .. })
}

fn is_wrong_type(error: HandleError) -> bool {
    matches!(error, HandleError::WrongType { .. })
}

/// Runs a query that must fail with the expected error. Returns what was reported.
fn refused_call(connection: &Connection, sql: &CStr, expected: Expected) -> Outcome<String> {
    let outcome = connection.run::<1>(sql);
    let (error, report) = refused(expected)?;
    answered(outcome, error)?;
    Ok(report)
}

/// The one report, which must be of the expected error.
fn refused(expected: Expected) -> Outcome<(CallError, String)> {
    match the_report()? {
        (error @ CallError::Handle(handle_error), report) if expected(handle_error) => {
            Ok((error, report))
        }
        (_, report) => Err(format!("not the error that was expected: {report}").into()),
    }
}

/// What was reported since the last misuse: one report.
fn the_report() -> Outcome<(CallError, String)> {
    let mut reports = reports::take();
    match (reports.pop(), reports.as_slice()) {
        (Some(report), []) => Ok(report),
        (last, others) => Err(format!("not one report: {others:?} {last:?}").into()),
    }
}

/// Checks that SQLite passed the error on as the query's.
fn answered(outcome: Result<[i64; 1], crate::sqlite::SqlError>, error: CallError) -> Outcome<()> {
    match outcome {
        Err(message) if message.to_string() == error.to_string() => Ok(()),
        other => Err(format!("SQLite returned {other:?}, the callback {error:?}").into()),
    }
}
