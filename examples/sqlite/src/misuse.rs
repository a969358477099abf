//! What C code does wrong with user data, done on purpose through SQLite. With a pointer each of
//! these would be a use after free, a double free or worse; with a handle each has an answer.

use std::{ffi::CStr, panic, ptr};

use handle_table::{Handle, HandleError};

use crate::{
    sqlite::{Connection, SqlFunction},
    state::{create_scalar, destroy, on_update, scalar, take_refused, State, STATES},
    Outcome,
};

/// One misuse: what was done, and what came of it.
pub(crate) struct Case {
    pub(crate) what: &'static str,
    pub(crate) answer: String,
}

/// Whether a refusal is the right one.
type Expected = fn(&HandleError) -> bool;

/// Goes through all of them.
///
/// # Errors
///
/// A misuse that was not answered as it must be.
pub(crate) fn run() -> Outcome<Vec<Case>> {
    let connection = Connection::open()?;
    let mut cases = Vec::new();

    // One handle for two functions, each of which would have SQLite delete it.
    let shared = STATES.insert(State::Scalar(Box::new(|n| n + 1))).into_ptr();
    for name in [c"first", c"second"] {
        // SAFETY: `scalar` and `destroy` take any user data.
        unsafe {
            connection.create_function(name, SqlFunction::Scalar(scalar), shared, Some(destroy))?;
        }
    }
    connection.delete_function(c"first")?;
    cases.push(Case {
        what: "Late callback: its handle was shared with a function that is destroyed by now.",
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
        (
            "Wrong table: a handle of the process-wide one.",
            other_table.into_ptr(),
            is_unknown,
        ),
    ];
    for (what, user_data, expected) in others {
        // SAFETY: `scalar` takes any user data.
        unsafe {
            connection.create_function(c"wrong", SqlFunction::Scalar(scalar), user_data, None)?;
        }
        cases.push(Case {
            what,
            answer: refused_call(&connection, c"SELECT wrong(1)", expected)?,
        });
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
    panic::set_hook(Box::new(|_| ())); // it is meant to panic: no need to say so
    let outcome = connection.run::<1>(c"SELECT panics(1)");
    panic::set_hook(hook);
    let answer = outcome.err().ok_or("a panic was lost")?.to_string();
    if !answer.contains("no answer to 1") {
        return Err(format!("not the panic's own words: {answer}").into());
    }
    cases.push(Case {
        what: "A panic in a callback, which must not unwind through SQLite.",
        answer,
    });
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

/// The words of the one refusal since the last look, which must be as expected.
fn refused_with(expected: Expected) -> Outcome<String> {
    match take_refused().as_slice() {
        [error] if expected(error) => Ok(error.to_string()),
        others => Err(format!("expected one other refusal than {others:?}").into()),
    }
}

/// The same for a query, which must fail with the same words.
fn refused_call(connection: &Connection, sql: &CStr, expected: Expected) -> Outcome<String> {
    let said = connection.run::<1>(sql);
    let refused = refused_with(expected)?;
    match said {
        Err(error) if error.to_string() == refused => Ok(refused),
        other => Err(format!("SQLite said {other:?}, the table said {refused:?}").into()),
    }
}
