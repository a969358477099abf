//! Rust state as the user data of SQLite's callbacks: C gets a handle.
//!
//! Each callback is a `call` of the table whose handle it gets, and each destructor a
//! `destroy_callback!`. They check the handle and contain panics. What a callback does besides must
//! not panic, and prints nothing, since `println!` panics on a closed stream.

use std::{
    cell::Cell,
    ffi::{c_char, c_int, c_void, CStr},
    ptr,
    sync::atomic::{AtomicI64, AtomicU64, Ordering},
};

use handle_table::{destroy_callback, Exclusive, Handle, HandleTable};
use libsqlite3_sys as ffi;

use crate::{
    context::{argument, group_data, set_answer, user_data, Answer},
    sqlite::{Connection, SqlError, SqlFunction},
};

/// A scalar function: any closure.
pub(crate) struct Scalar(pub(crate) Box<dyn Fn(i64) -> i64 + Send + Sync>);

/// An aggregate: the quantile that it computes, in thousandths. 500 is the median.
pub(crate) struct Quantile(pub(crate) usize);

/// One group of rows of an aggregate: the quantile, and the values so far.
pub(crate) struct Group(usize, Vec<i64>);

// One table for each type, for all connections.
pub(crate) static SCALARS: HandleTable<Scalar> = HandleTable::new();
pub(crate) static QUANTILES: HandleTable<Quantile> = HandleTable::new();
pub(crate) static GROUPS: HandleTable<Exclusive<Group>> = HandleTable::new();

/// Registers `name(integer)`, computed by `f`. SQLite deletes the handle with the function.
pub(crate) fn create_scalar(
    connection: &Connection,
    name: &CStr,
    f: impl Fn(i64) -> i64 + Send + Sync + 'static,
) -> Result<(), SqlError> {
    let user_data = SCALARS.insert(Scalar(Box::new(f))).to_ptr();
    let destroy = destroy_callback!(SCALARS);
    // SAFETY: the callbacks take any user data.
    unsafe {
        connection.create_function(name, SqlFunction::Scalar(scalar), user_data, Some(destroy))
    }
}

/// Registers `name(integer)`, the quantile of a group.
///
/// All quantiles share their callbacks: the state behind the handle says which one to compute.
pub(crate) fn create_quantile(
    connection: &Connection,
    name: &CStr,
    thousandths: usize,
) -> Result<(), SqlError> {
    let user_data = QUANTILES.insert(Quantile(thousandths)).to_ptr();
    let function = SqlFunction::Aggregate(quantile_step, quantile_final);
    let destroy = destroy_callback!(QUANTILES);
    // SAFETY: the callbacks take any user data.
    unsafe { connection.create_function(name, function, user_data, Some(destroy)) }
}

/// SQLite's `xFunc` of all scalar functions.
///
/// # Safety
///
/// `context` is live, and `argv` holds `argc` live arguments.
pub(crate) unsafe extern "C" fn scalar(
    context: *mut ffi::sqlite3_context,
    argc: c_int,
    argv: *mut *mut ffi::sqlite3_value,
) {
    count_call();
    // SAFETY: the caller's duty, passed on.
    unsafe {
        let answer = || -> Answer {
            let argument = argument(argc, argv)?;
            Ok(Some(SCALARS.call(user_data(context), |scalar| scalar.0(argument))?))
        };
        set_answer(context, answer());
    }
}

/// SQLite's `xStep` of all quantiles.
///
/// # Safety
///
/// `context` is live and belongs to an aggregate, and `argv` holds `argc` live arguments.
unsafe extern "C" fn quantile_step(
    context: *mut ffi::sqlite3_context,
    argc: c_int,
    argv: *mut *mut ffi::sqlite3_value,
) {
    count_call();
    let step = || -> Answer {
        // SAFETY: the caller's duty, passed on. The reference is not used after this call.
        let (argument, group) = unsafe { (argument(argc, argv)?, group_data(context)) };
        let group = group.ok_or("out of memory")?;
        if group.is_null() {
            // SAFETY: the caller's duty, passed on.
            let user_data = unsafe { user_data(context) };
            let thousandths = QUANTILES.call(user_data, |quantile| quantile.0)?;
            *group = GROUPS.try_insert(Exclusive::new(Group(thousandths, vec![])))?.to_ptr();
        }
        GROUPS.call_mut(*group, |group| group.1.push(argument))?;
        Ok(None)
    };
    let answer = step();
    if answer.is_err() {
        // SAFETY: the caller's duty, passed on.
        unsafe { set_answer(context, answer) };
    }
}

/// SQLite's `xFinal` of all quantiles. SQLite calls it for every group, even when the query fails.
///
/// # Safety
///
/// `context` is live and belongs to an aggregate.
unsafe extern "C" fn quantile_final(context: *mut ffi::sqlite3_context) {
    count_call();
    // SAFETY: the caller's duty, passed on. The reference is not used after this call.
    let group = unsafe { group_data(context) };
    let group = group.map_or(ptr::null_mut(), |group| std::mem::replace(group, ptr::null_mut()));
    let answer = match group.is_null() {
        true => Ok(None), // a group without rows
        false => GROUPS.call_mut(group, Group::quantile).map_err(Into::into),
    };
    GROUPS.destroy(group); // null is nothing to it
                           // SAFETY: the caller's duty, passed on.
    unsafe { set_answer(context, answer) };
}

impl Group {
    /// The quantile of the values so far, if there are any.
    fn quantile(&mut self) -> Option<i64> {
        let Self(thousandths, values) = self;
        let rank = values.len().saturating_sub(1) * *thousandths / 1000;
        (rank < values.len()).then(|| *values.select_nth_unstable(rank).1)
    }
}

/// The counters that the update hooks of all connections share.
///
/// Its handle belongs to the process-wide table, which holds values of any type.
#[derive(Default)]
pub(crate) struct Changes {
    pub(crate) inserted: AtomicU64,
    pub(crate) updated: AtomicU64,
    pub(crate) deleted: AtomicU64,
    /// The sum of the row ids of all changes.
    pub(crate) rowids: AtomicI64,
}

/// The callback of `sqlite3_update_hook`. Its user data is the handle of a [`Changes`].
pub(crate) extern "C" fn on_update(
    user_data: *mut c_void,
    operation: c_int,
    _database: *const c_char,
    _table: *const c_char,
    rowid: ffi::sqlite3_int64,
) {
    count_call();
    // SQLite takes no error here. An error is reported.
    let _ = Handle::call(user_data, |changes: &Changes| {
        let count = match operation {
            ffi::SQLITE_INSERT => &changes.inserted,
            ffi::SQLITE_UPDATE => &changes.updated,
            _ => &changes.deleted,
        };
        count.fetch_add(1, Ordering::Relaxed);
        changes.rowids.fetch_add(rowid, Ordering::Relaxed);
    });
}

thread_local! {
    /// The number of callbacks on this thread that have got a handle from SQLite.
    pub(crate) static CALLS: Cell<u64> = const { Cell::new(0) };
}

fn count_call() {
    CALLS.set(CALLS.get() + 1);
}
