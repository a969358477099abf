//! What a callback pays for state behind a handle.

use std::{
    ffi::{c_int, c_void, CStr, CString},
    hint::black_box,
    ptr,
    time::Instant,
};

use handle_table::{CallError, Handle, HandleTable};
use libsqlite3_sys as ffi;

use crate::{
    context::{argument, set_answer, user_data, Answer},
    sqlite::{Connection, OnRow, SqlError, SqlFunction},
    Outcome,
};

/// The smallest state of a callback: a number that it adds to its argument.
static OFFSETS: HandleTable<i64> = HandleTable::new();

const OFFSET: i64 = 3;
/// Many short rounds, so that the operating system interrupts few of them.
const ROUNDS: usize = 401;

/// Times in nanoseconds: the median of all rounds, where nothing else is said.
pub(crate) struct Cost {
    pub(crate) rounds: usize,
    pub(crate) calls_per_round: i64,
    /// A callback of SQLite whose state is a constant of the program.
    pub(crate) constant: f64,
    /// A callback of SQLite whose state is behind a pointer.
    pub(crate) pointer: f64,
    /// A callback of SQLite whose state is behind a handle.
    pub(crate) handle: f64,
    /// `handle` less `pointer` in each round: lower quartile, median, upper quartile.
    pub(crate) difference: [f64; 3],
    /// [`HandleTable::call`] in a plain loop, without SQLite.
    pub(crate) call: f64,
    /// [`HandleTable::get`] in a plain loop.
    pub(crate) get: f64,
    /// `Pinned::get` in a plain loop, with one pin for the whole loop.
    pub(crate) get_pinned: f64,
    /// [`Handle::call`] in a plain loop.
    pub(crate) call_any: f64,
}

/// Measures on one thread. The three callbacks take turns, and each round starts with another one.
///
/// # Errors
///
/// A wrong answer, or an error of SQLite.
pub(crate) fn measure(rows: u32) -> Outcome<Cost> {
    let calls = i64::from(rows.clamp(1_000, 5_000));
    let state: Box<i64> = Box::new(OFFSET);
    let pointer = ptr::from_ref(&*state).cast_mut().cast();
    let handle = OFFSETS.insert(OFFSET);
    let user_data = handle.to_ptr();
    let any = Handle::new(OFFSET).to_ptr();

    let connection = Connection::open()?; // dropped before `state`
    let null = ptr::null_mut();
    // SAFETY: `with_constant` and `with_handle` take any user data. `with_pointer` gets the address
    // of an `i64` that outlives the connection.
    unsafe {
        create(&connection, c"with_constant", with_constant, null)?;
        create(&connection, c"with_pointer", with_pointer, pointer)?;
        create(&connection, c"with_handle", with_handle, user_data)?;
    }
    let create_table = format!(
        "CREATE TABLE numbers AS WITH RECURSIVE upto(n) AS
           (SELECT 1 UNION ALL SELECT n + 1 FROM upto WHERE n < {calls}) SELECT n FROM upto"
    );
    connection.run::<0>(&CString::new(create_table)?)?;
    let mut queries = [
        connection.prepare(c"SELECT sum(with_constant(n)) FROM numbers")?,
        connection.prepare(c"SELECT sum(with_pointer(n)) FROM numbers")?,
        connection.prepare(c"SELECT sum(with_handle(n)) FROM numbers")?,
    ];
    let expected = calls * (calls + 1) / 2 + calls * OFFSET;

    let mut callbacks = [(); 3].map(|()| Vec::with_capacity(ROUNDS));
    let mut loops = [(); 4].map(|()| Vec::with_capacity(ROUNDS));
    for round in 0..ROUNDS {
        for turn in 0..3 {
            let kind = (round + turn) % 3;
            let mut sum = 0;
            let start = Instant::now();
            queries[kind].run(&[], |[answer]| sum = answer)?;
            callbacks[kind].push(start.elapsed().as_secs_f64() * 1e9 / calls as f64);
            if sum != expected {
                return Err(format!("measured sum {kind}: {sum}, expected {expected}").into());
            }
        }
        loops[0].push(time(calls, || OFFSETS.call(black_box(user_data), |n| *n).unwrap_or(0))?);
        loops[1].push(time(calls, || OFFSETS.get(black_box(handle)).map_or(0, |n| *n))?);
        let pinned = OFFSETS.pin();
        loops[2].push(time(calls, || pinned.get(black_box(handle)).map_or(0, |n| *n))?);
        drop(pinned);
        loops[3].push(time(calls, || Handle::call(black_box(any), |n| *n).unwrap_or(0))?);
    }
    OFFSETS.remove(handle)?;
    Handle::from_ptr(any).and_then(Handle::try_delete)?;

    let [constant, pointer, handle] = callbacks;
    let difference = handle.iter().zip(&pointer).map(|(h, p)| h - p).collect();
    let [call, get, get_pinned, call_any] = loops.map(|times| quartiles(times)[1]);
    Ok(Cost {
        rounds: ROUNDS,
        calls_per_round: calls,
        difference: quartiles(difference),
        constant: quartiles(constant)[1],
        pointer: quartiles(pointer)[1],
        handle: quartiles(handle)[1],
        call,
        get,
        get_pinned,
        call_any,
    })
}

/// Registers a scalar function whose user data nobody deletes.
///
/// # Safety
///
/// `function` is right for every call of SQLite with this user data.
unsafe fn create(
    connection: &Connection,
    name: &CStr,
    function: OnRow,
    user_data: *mut c_void,
) -> Result<(), SqlError> {
    // SAFETY: the caller's duty.
    unsafe { connection.create_function(name, SqlFunction::Scalar(function), user_data, None) }
}

/// Nanoseconds for one call of `read`, which must return [`OFFSET`].
fn time(calls: i64, mut read: impl FnMut() -> i64) -> Outcome<f64> {
    let start = Instant::now();
    let sum: i64 = (0..calls).map(|_| read()).sum();
    let time = start.elapsed();
    if sum != calls * OFFSET {
        return Err("a look-up returned a wrong value".into());
    }
    Ok(time.as_secs_f64() * 1e9 / calls as f64)
}

fn quartiles(mut times: Vec<f64>) -> [f64; 3] {
    times.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| times[times.len() * quarter / 4])
}

/// The state is a constant. The other two callbacks are compared with this one.
///
/// # Safety
///
/// `context` is live, and `argv` holds `argc` live arguments.
unsafe extern "C" fn with_constant(
    context: *mut ffi::sqlite3_context,
    argc: c_int,
    argv: *mut *mut ffi::sqlite3_value,
) {
    // SAFETY: the caller's duty.
    unsafe { set_answer(context, add(argument(argc, argv), Ok(OFFSET))) };
}

/// The state is behind a pointer, which this callback has to trust.
///
/// # Safety
///
/// `context` is live, and `argv` holds `argc` live arguments. The user data is the address of a
/// live `i64`.
unsafe extern "C" fn with_pointer(
    context: *mut ffi::sqlite3_context,
    argc: c_int,
    argv: *mut *mut ffi::sqlite3_value,
) {
    // SAFETY: the caller's duty.
    unsafe {
        let offset = *user_data(context).cast::<i64>();
        set_answer(context, add(argument(argc, argv), Ok(offset)));
    }
}

/// The state is behind a handle. This callback checks it, and contains panics.
///
/// # Safety
///
/// `context` is live, and `argv` holds `argc` live arguments.
unsafe extern "C" fn with_handle(
    context: *mut ffi::sqlite3_context,
    argc: c_int,
    argv: *mut *mut ffi::sqlite3_value,
) {
    // SAFETY: the caller's duty.
    unsafe {
        let offset = OFFSETS.call(user_data(context), |offset| *offset);
        set_answer(context, add(argument(argc, argv), offset));
    }
}

fn add(argument: Result<i64, &'static str>, offset: Result<i64, CallError>) -> Answer {
    Ok(Some(argument?.wrapping_add(offset?)))
}
