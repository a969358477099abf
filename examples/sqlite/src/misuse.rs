//! Mistakes that C code makes with user data, made on purpose through SQLite.
//!
//! With a pointer, each would be a use after free, a double free or worse.
//! With a handle, each gets an error.

use std::{ffi::CStr, panic, ptr};

use handle_table::{Handle, HandleError};

use crate::{
    sqlite::{Connection, SqlFunction},
    state::{create_scalar, destroy, on_update, scalar, take_refused, State, STATES},
    Outcome,
};

/// One misuse, and the error that it got.
pub(crate) struct Case {
    pub(crate) what: &'static str,
    pub(crate) answer: String,
}

/// Whether an error is the expected one.
type Expected = fn(&HandleError) -> bool;

/// Makes all mistakes.
///
/// # Errors
///
/// A mistake that did not get the expected error.
pub(crate) fn run() -> Outcome<Vec<Case>> {
    let connection = Connection::open()?;
    let mut cases = Vec::new();

    // One handle for two functions: SQLite deletes it with each of them.
    let shared = STATES.insert(State::Scalar(Box::new(|n| n + 1))).into_ptr();
    for name in [c"first", c"second"] {
        // SAFETY: `scalar` and `destroy` take any user data.
        unsafe {
            connection.create_function(name, SqlFunction::Scalar(scalar), shared, Some(destroy))?;
        }
    }
    connection.delete_function(c"first")?;
    cases.push(Case {
        what: "Late callback: the handle was deleted with another function that shared it.",
        answer: refused_call(&connection, c"SELECT second(1)", is_deleted)?,
    });
    connection.delete_function(c"second")?;
    cases.push(Case {
        what: "Double delete: SQLite destroys the second function too.",
        answer: refused_with(is_deleted)?,
    });

    let other_table = Handle::new(String::from("text"));
    let garbage = ptr::without_provenance_mut(0xdead_beef);
    let others: [(_, _, Expected); 3] = [
        ("Garbage: 0xdeadbeef as user data.", garbage, is_unknown),
        ("Null as user data.", ptr::null_mut(), is_null),
        ("Wrong table: a handle of the process-wide table.", other_table.into_ptr(), is_unknown),
    ];
    for (what, user_data, expected) in others {
        // SAFETY: `scalar` takes any user data.
        unsafe {
            connection.create_function(c"wrong", SqlFunction::Scalar(scalar), user_data, None)?;
        }
        cases.push(Case { what, answer: refused_call(&connection, c"SELECT wrong(1)", expected)? });
    }

    // SAFETY: `on_update` takes any user data.
    unsafe { connection.set_update_hook(on_update, other_table.into_ptr()) };
    connection.run::<0>(c"CREATE TABLE one (n)")?;
    connection.run::<0>(c"INSERT INTO one VALUES (1)")?;
    cases.push(Case {
        what: "Wrong type: an update hook gets the handle of a string.",
        answer: refused_with(is_wrong_type)?,
    });
    other_table.try_delete()?;

    create_scalar(&connection, c"panics", |n| panic!("no answer to {n}"))?;
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| ())); // the panic is wanted, so its message is not printed
    let outcome = connection.run::<1>(c"SELECT panics(1)");
    panic::set_hook(hook);
    let answer = outcome.err().ok_or("a panic was lost")?.to_string();
    if !answer.contains("no answer to 1") {
        return Err(format!("not the message of the panic: {answer}").into());
    }
    cases.push(Case { what: "Panic in a callback: it must not unwind through SQLite.", answer });
    Ok(cases)
}

fn is_null(error: &HandleError) -> bool {
    *error == HandleError::Null
}

fn is_deleted(error: &HandleError) -> bool {
    matches!(error, HandleError::Deleted { .. })
}

fn is_unknown(error: &HandleError) -> bool {
    *error == HandleError::Unknown
}

fn is_wrong_type(error: &HandleError) -> bool {
    matches!(error, HandleError::WrongType { .. })
}

/// The message of the one error that callbacks have recorded, which must be the expected one.
fn refused_with(expected: Expected) -> Outcome<String> {
    match take_refused().as_slice() {
        [error] if expected(error) => Ok(error.to_string()),
        others => Err(format!("not the one error that was expected: {others:?}").into()),
    }
}

/// Runs a query that must fail with the message of the expected error.
fn refused_call(connection: &Connection, sql: &CStr, expected: Expected) -> Outcome<String> {
    let outcome = connection.run::<1>(sql);
    let refused = refused_with(expected)?;
    match outcome {
        Err(error) if error.to_string() == refused => Ok(refused),
        other => Err(format!("SQLite returned {other:?}, the table returned {refused:?}").into()),
    }
}
