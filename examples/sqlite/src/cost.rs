//! What it costs that a callback's state is behind a handle.

use std::{
    ffi::{c_int, c_void, CStr, CString},
    hint::black_box,
    ptr,
    time::Instant,
};

use handle_table::{Handle, HandleTable};
use libsqlite3_sys as ffi;

use crate::{
    context::{argument, reply, user_data},
    sqlite::{Connection, OnRow, SqlError, SqlFunction},
    Outcome,
};

/// The smallest state that a callback can have: a number that it adds to its argument.
static OFFSETS: HandleTable<i64> = HandleTable::new();

const OFFSET: i64 = 3;
/// Many and short, so that few of them are interrupted.
const ROUNDS: usize = 401;

/// Nanoseconds, each the median of all rounds.
pub(crate) struct Cost {
    pub(crate) rounds: usize,
    pub(crate) calls_per_round: i64,
    /// A callback of SQLite whose state is a constant, behind a pointer, behind a handle.
    pub(crate) constant: f64,
    pub(crate) pointer: f64,
    pub(crate) handle: f64,
    /// The last less the one before, round by round: lower quartile, median, upper quartile.
    pub(crate) difference: [f64; 3],
    /// A look-up in a plain loop, without SQLite.
    pub(crate) get: f64,
    pub(crate) get_pinned: f64,
    pub(crate) try_value: f64,
}

/// Measures, on one thread. The kinds of callback take turns, another one first in each round.
///
/// # Errors
///
/// An answer that is wrong, or what SQLite refused to do.
pub(crate) fn measure(rows: u32) -> Outcome<Cost> {
    let calls = i64::from(rows.clamp(1_000, 5_000));
    let state: Box<i64> = Box::new(OFFSET);
    let pointer = ptr::from_ref(&*state).cast_mut().cast();
    let handle = OFFSETS.insert(OFFSET);
    let any = Handle::new(OFFSET);

    let connection = Connection::open()?; // closed before `state` goes
    let null = ptr::null_mut();
    // SAFETY: only `with_pointer` trusts its user data, and gets the address of an `i64` that
    // outlives the connection. With a handle there is nothing to take care of.
    unsafe {
        create(&connection, c"with_constant", with_constant, null)?;
        create(&connection, c"with_pointer", with_pointer, pointer)?;
        create(&connection, c"with_handle", with_handle, handle.into_ptr())?;
    }
    let fill = format!(
        "CREATE TABLE numbers AS WITH RECURSIVE upto(n) AS
           (SELECT 1 UNION ALL SELECT n + 1 FROM upto WHERE n < {calls}) SELECT n FROM upto"
    );
    connection.run::<0>(&CString::new(fill)?)?;
    let mut queries = [
        connection.prepare(c"SELECT sum(with_constant(n)) FROM numbers")?,
        connection.prepare(c"SELECT sum(with_pointer(n)) FROM numbers")?,
        connection.prepare(c"SELECT sum(with_handle(n)) FROM numbers")?,
    ];
    let expected = calls * (calls + 1) / 2 + calls * OFFSET;

    let mut callbacks = [(); 3].map(|()| Vec::with_capacity(ROUNDS));
    let mut loops = [(); 3].map(|()| Vec::with_capacity(ROUNDS));
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
        let pinned = OFFSETS.pin();
        loops[1].push(time(calls, || {
            pinned.get(black_box(handle)).map_or(0, |n| *n)
        })?);
        drop(pinned);
        loops[0].push(time(calls, || {
            OFFSETS.get(black_box(handle)).map_or(0, |n| *n)
        })?);
        loops[2].push(time(calls, || {
            black_box(any).try_value().map_or(0, |n| *n)
        })?);
    }
    OFFSETS.remove(handle)?;
    any.try_delete()?;
    OFFSETS.quiesce()?;

    let [constant, pointer, handle] = callbacks;
    let difference = handle.iter().zip(&pointer).map(|(h, p)| h - p).collect();
    let [get, get_pinned, try_value] = loops.map(|times| quartiles(times)[1]);
    Ok(Cost {
        rounds: ROUNDS,
        calls_per_round: calls,
        difference: quartiles(difference),
        constant: quartiles(constant)[1],
        pointer: quartiles(pointer)[1],
        handle: quartiles(handle)[1],
        get,
        get_pinned,
        try_value,
    })
}

/// # Safety
///
/// As for [`Connection::create_function`].
unsafe fn create(
    connection: &Connection,
    name: &CStr,
    function: OnRow,
    user_data: *mut c_void,
) -> Result<(), SqlError> {
    // SAFETY: the caller's duty.
    unsafe { connection.create_function(name, SqlFunction::Scalar(function), user_data, None) }
}

/// Nanoseconds of one call of `read`, which must return the offset.
fn time(calls: i64, mut read: impl FnMut() -> i64) -> Outcome<f64> {
    let start = Instant::now();
    let sum: i64 = (0..calls).map(|_| read()).sum();
    let time = start.elapsed();
    if sum != calls * OFFSET {
        return Err("a look-up gave a wrong value".into());
    }
    Ok(time.as_secs_f64() * 1e9 / calls as f64)
}

fn quartiles(mut times: Vec<f64>) -> [f64; 3] {
    times.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| times[times.len() * quarter / 4])
}

/// State in the code itself: what the other two are compared with.
///
/// # Safety
///
/// For SQLite to call: `context` is live, and `argv` holds `argc` arguments.
unsafe extern "C" fn with_constant(
    context: *mut ffi::sqlite3_context,
    argc: c_int,
    argv: *mut *mut ffi::sqlite3_value,
) {
    // SAFETY: the caller's duty.
    unsafe {
        reply(
            context,
            argument(argc, argv).map(|n| Some(n.wrapping_add(OFFSET))),
        );
    }
}

/// State behind a pointer, which is trusted.
///
/// # Safety
///
/// As for [`with_constant`], and the user data is the address of an `i64`.
unsafe extern "C" fn with_pointer(
    context: *mut ffi::sqlite3_context,
    argc: c_int,
    argv: *mut *mut ffi::sqlite3_value,
) {
    // SAFETY: the caller's duty.
    unsafe {
        let offset = *user_data(context).cast::<i64>();
        reply(
            context,
            argument(argc, argv).map(|n| Some(n.wrapping_add(offset))),
        );
    }
}

/// State behind a handle, which is checked.
///
/// # Safety
///
/// As for [`with_constant`].
unsafe extern "C" fn with_handle(
    context: *mut ffi::sqlite3_context,
    argc: c_int,
    argv: *mut *mut ffi::sqlite3_value,
) {
    // SAFETY: the caller's duty.
    unsafe {
        let handle = Handle::from_ptr(user_data(context));
        let offset = handle.and_then(|handle| OFFSETS.get(handle));
        let answer = offset
            .map_err(Into::into)
            .and_then(|offset| argument(argc, argv).map(|n| Some(n.wrapping_add(*offset))));
        reply(context, answer);
    }
}
