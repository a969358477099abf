//! Rust state as the user data of SQLite's callbacks: C gets a handle.
//!
//! Three rules hold for every `extern "C"` function here:
//!
//! - It trusts no handle. It asks the table, and reports the table's error.
//! - It does not unwind into C. It uses the forms that return errors, catches the panics of
//!   closures, and prints nothing, since `println!` and `eprintln!` panic on a closed stream.
//! - It holds a [`Ref`] for the length of one call only.

use std::{
    cell::Cell,
    ffi::{c_char, c_int, c_void, CStr},
    sync::{
        atomic::{AtomicI64, AtomicU64, Ordering},
        Mutex, MutexGuard, PoisonError,
    },
};

use handle_table::{Handle, HandleError, HandleTable, Ref};
use libsqlite3_sys as ffi;

use crate::{
    context::{argument, catch_panic, group_handle, set_result, user_data, Fault},
    sqlite::{Connection, SqlError, SqlFunction},
};

/// The values behind the handles that SQLite keeps.
pub(crate) enum State {
    /// A scalar function: any closure.
    Scalar(Box<dyn Fn(i64) -> i64 + Send + Sync>),
    /// An aggregate: the quantile that it computes, in thousandths. 500 is the median.
    Quantile(usize),
    /// One group of rows of an aggregate: the quantile, and the values so far.
    Group(usize, Mutex<Vec<i64>>),
}

/// The states of all connections. A table of one type is faster than the process-wide table.
pub(crate) static STATES: HandleTable<State> = HandleTable::new();

/// Registers `name(integer)`, computed by `f`. SQLite deletes the handle with the function.
pub(crate) fn create_scalar(
    connection: &Connection,
    name: &CStr,
    f: impl Fn(i64) -> i64 + Send + Sync + 'static,
) -> Result<(), SqlError> {
    let handle = STATES.insert(State::Scalar(Box::new(f)));
    let function = SqlFunction::Scalar(scalar);
    // SAFETY: `scalar` and `destroy` take any user data.
    unsafe { connection.create_function(name, function, handle.into_ptr(), Some(destroy)) }
}

/// Registers `name(integer)`, the quantile of a group.
///
/// All quantiles share their callbacks: the state behind the handle says which one to compute.
pub(crate) fn create_quantile(
    connection: &Connection,
    name: &CStr,
    thousandths: usize,
) -> Result<(), SqlError> {
    let handle = STATES.insert(State::Quantile(thousandths));
    let function = SqlFunction::Aggregate(quantile_step, quantile_final);
    // SAFETY: `quantile_step`, `quantile_final` and `destroy` take any user data.
    unsafe { connection.create_function(name, function, handle.into_ptr(), Some(destroy)) }
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
    let result = catch_panic(|| {
        // SAFETY: the caller's duty, passed on.
        let (argument, user_data) = unsafe { (argument(argc, argv)?, user_data(context)) };
        match &*resolve(Handle::from_ptr(user_data))? {
            State::Scalar(f) => Ok(f(argument)),
            _ => Err(Fault::Message("the handle's state is not a scalar function")),
        }
    });
    // SAFETY: the caller's duty, passed on.
    unsafe { set_result(context, result.map(Some)) };
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
    let result = catch_panic(|| {
        // SAFETY: the caller's duty, passed on.
        let (argument, user_data) = unsafe { (argument(argc, argv)?, user_data(context)) };
        // SAFETY: the caller's duty, passed on. The reference is not used after this call.
        let group = unsafe { group_handle(context, size_of::<Option<Handle>>()) };
        let group = group.ok_or(Fault::Message("out of memory"))?;
        let Some(handle) = *group else {
            let State::Quantile(thousandths) = *resolve(Handle::from_ptr(user_data))? else {
                return Err(Fault::Message("the handle's state is not a quantile"));
            };
            let state = State::Group(thousandths, Mutex::new(vec![argument]));
            let full = |_| Fault::Message("out of handles");
            *group = Some(STATES.try_insert(state).map_err(full)?);
            return Ok(());
        };
        match &*resolve(Ok(handle))? {
            State::Group(_, values) => lock(values).push(argument),
            _ => return Err(Fault::Message("the handle's state is not a group")),
        }
        Ok(())
    });
    if result.is_err() {
        // SAFETY: the caller's duty, passed on.
        unsafe { set_result(context, result.map(|()| None)) };
    }
}

/// SQLite's `xFinal` of all quantiles. SQLite calls it for every group, even when the query fails.
///
/// # Safety
///
/// `context` is live and belongs to an aggregate.
unsafe extern "C" fn quantile_final(context: *mut ffi::sqlite3_context) {
    let result = catch_panic(|| {
        // SAFETY: the caller's duty, passed on. The reference is not used after this call.
        let Some(handle) = (unsafe { group_handle(context, 0) }).and_then(Option::take) else {
            return Ok(None); // a group without rows
        };
        // Deletes the handle and reads its value for the last time.
        match &*count_call(STATES.remove_ref(handle))? {
            State::Group(thousandths, values) => {
                let mut values = lock(values);
                let rank = values.len().saturating_sub(1) * thousandths / 1000;
                Ok((rank < values.len()).then(|| *values.select_nth_unstable(rank).1))
            }
            _ => Err(Fault::Message("the handle's state is not a group")),
        }
    });
    // SAFETY: the caller's duty, passed on.
    unsafe { set_result(context, result) };
}

/// SQLite's `xDestroy` for every function whose user data is a handle of [`STATES`].
pub(crate) extern "C" fn destroy(user_data: *mut c_void) {
    let deleted = Handle::from_ptr(user_data).and_then(|handle| STATES.remove(handle));
    let _ = count_call(deleted); // SQLite takes no error here
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
    let changes = Handle::from_ptr(user_data).and_then(Handle::try_value::<Changes>);
    if let Ok(changes) = count_call(changes) {
        let count = match operation {
            ffi::SQLITE_INSERT => &changes.inserted,
            ffi::SQLITE_UPDATE => &changes.updated,
            _ => &changes.deleted,
        };
        count.fetch_add(1, Ordering::Relaxed);
        changes.rowids.fetch_add(rowid, Ordering::Relaxed);
    }
}

/// Looks up a handle from SQLite.
fn resolve(handle: Result<Handle, HandleError>) -> Result<Ref<'static, State>, HandleError> {
    count_call(handle.and_then(|handle| STATES.get(handle)))
}

thread_local! {
    /// The number of callbacks on this thread. Each looks up or deletes one handle from SQLite.
    pub(crate) static CALLS: Cell<u64> = const { Cell::new(0) };
}

/// The errors for handles from SQLite, since the last [`take_refused`].
static REFUSED: Mutex<Vec<HandleError>> = Mutex::new(Vec::new());

/// Counts a callback's look-up or delete, and records its error.
fn count_call<R>(outcome: Result<R, HandleError>) -> Result<R, HandleError> {
    CALLS.set(CALLS.get() + 1);
    outcome.inspect_err(|&error| lock(&REFUSED).push(error))
}

/// Takes the errors that callbacks have recorded so far.
pub(crate) fn take_refused() -> Vec<HandleError> {
    std::mem::take(&mut *lock(&REFUSED))
}

/// Ignores poisoning: a panic leaves nothing half changed in any of these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
