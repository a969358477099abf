//! Rust state as user data of SQLite's callbacks: what C gets is a handle.
//!
//! Three rules hold for every `extern "C"` function here. It trusts no handle: it asks the table,
//! and reports what the table says. It doesn't unwind into C: it uses the forms that return
//! errors, and contains the panics of closures. It holds a `Ref` for the length of a call only.

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
    context::{argument, contain, group_slot, reply, user_data, Fault},
    sqlite::{Connection, SqlError, SqlFunction},
};

/// What a handle that SQLite keeps for us may stand for.
pub(crate) enum State {
    /// A scalar function: any closure.
    Scalar(Box<dyn Fn(i64) -> i64 + Send + Sync>),
    /// An aggregate: the quantile that it is asked for, in thousandths. 500 is the median.
    Quantile(usize),
    /// What an aggregate has gathered of one group of rows.
    Group(usize, Mutex<Vec<i64>>),
}

/// All states of all connections. A table of one type is the fast kind.
pub(crate) static STATES: HandleTable<State> = HandleTable::new();

/// Registers `name(integer)`, computed by `f`. SQLite deletes the handle when it lets go of it.
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

/// Registers `name(integer)`, the quantile of a group. The functions are the same for all
/// quantiles: only the handle says which one is asked for.
pub(crate) fn create_quantile(
    connection: &Connection,
    name: &CStr,
    thousandths: usize,
) -> Result<(), SqlError> {
    let handle = STATES.insert(State::Quantile(thousandths));
    let function = SqlFunction::Aggregate(quantile_step, quantile_end);
    // SAFETY: `quantile_step`, `quantile_end` and `destroy` take any user data.
    unsafe { connection.create_function(name, function, handle.into_ptr(), Some(destroy)) }
}

/// `xFunc` of all scalar functions.
///
/// # Safety
///
/// For SQLite to call: `context` is live, and `argv` holds `argc` arguments.
pub(crate) unsafe extern "C" fn scalar(
    context: *mut ffi::sqlite3_context,
    argc: c_int,
    argv: *mut *mut ffi::sqlite3_value,
) {
    let answer = contain(|| {
        // SAFETY: the caller's duty, passed on.
        let (argument, user_data) = unsafe { (argument(argc, argv)?, user_data(context)) };
        match &*resolve(Handle::from_ptr(user_data))? {
            State::Scalar(f) => Ok(f(argument)),
            _ => Err(Fault::Says("the handle's state is not a scalar function")),
        }
    });
    // SAFETY: as above.
    unsafe { reply(context, answer.map(Some)) };
}

/// `xStep` of all quantiles.
///
/// # Safety
///
/// As for [`scalar`].
unsafe extern "C" fn quantile_step(
    context: *mut ffi::sqlite3_context,
    argc: c_int,
    argv: *mut *mut ffi::sqlite3_value,
) {
    let outcome = contain(|| {
        // SAFETY: the caller's duty, passed on.
        let (argument, user_data) = unsafe { (argument(argc, argv)?, user_data(context)) };
        // SAFETY: as above; and the slot is not used past this call.
        let slot = unsafe { group_slot(context, size_of::<Option<Handle>>()) };
        let slot = slot.ok_or(Fault::Says("out of memory"))?;
        let Some(group) = *slot else {
            let State::Quantile(thousandths) = *resolve(Handle::from_ptr(user_data))? else {
                return Err(Fault::Says("the handle's state is not a quantile"));
            };
            let group = State::Group(thousandths, Mutex::new(vec![argument]));
            let full = |_| Fault::Says("ran out of handles");
            *slot = Some(STATES.try_insert(group).map_err(full)?);
            return Ok(());
        };
        match &*resolve(Ok(group))? {
            State::Group(_, values) => lock(values).push(argument),
            _ => return Err(Fault::Says("the handle's state is not a group")),
        }
        Ok(())
    });
    if outcome.is_err() {
        // SAFETY: as above.
        unsafe { reply(context, outcome.map(|()| None)) };
    }
}

/// `xFinal` of all quantiles. SQLite calls it for every group, also when the query failed.
///
/// # Safety
///
/// As for [`scalar`].
unsafe extern "C" fn quantile_end(context: *mut ffi::sqlite3_context) {
    let answer = contain(|| {
        // SAFETY: the caller's duty, passed on; the slot is not used past this call.
        let Some(group) = (unsafe { group_slot(context, 0) }).and_then(Option::take) else {
            return Ok(None); // a group of no rows
        };
        // Deletes the handle, with a last look at its value.
        match &*count_call(STATES.remove_ref(group))? {
            State::Group(thousandths, values) => {
                let mut values = lock(values);
                let rank = values.len().saturating_sub(1) * thousandths / 1000;
                Ok((rank < values.len()).then(|| *values.select_nth_unstable(rank).1))
            }
            _ => Err(Fault::Says("the handle's state is not a group")),
        }
    });
    // SAFETY: as above.
    unsafe { reply(context, answer) };
}

/// `xDestroy` of everything that has a handle of [`STATES`] as user data.
pub(crate) extern "C" fn destroy(user_data: *mut c_void) {
    let deleted = Handle::from_ptr(user_data).and_then(|handle| STATES.remove(handle));
    // There is no one to return an error to.
    let _ = count_call(deleted);
}

/// What the update hooks of all connections count into. Its handle is of the process-wide table,
/// which holds values of any type.
#[derive(Default)]
pub(crate) struct Changes {
    pub(crate) inserted: AtomicU64,
    pub(crate) updated: AtomicU64,
    pub(crate) deleted: AtomicU64,
    /// The sum of the row ids of all those.
    pub(crate) rowids: AtomicI64,
}

/// The hook for `sqlite3_update_hook`, with the handle of a [`Changes`] as user data.
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

/// The state that a handle from SQLite names.
fn resolve(handle: Result<Handle, HandleError>) -> Result<Ref<'static, State>, HandleError> {
    count_call(handle.and_then(|handle| STATES.get(handle)))
}

thread_local! {
    /// Callbacks on this thread: each puts one handle that came from SQLite to a table.
    pub(crate) static CALLS: Cell<u64> = const { Cell::new(0) };
}

/// Handles from SQLite that a table refused, since the last look.
static REFUSED: Mutex<Vec<HandleError>> = Mutex::new(Vec::new());

/// Counts a callback's look-up or delete, and notes if it was refused.
fn count_call<R>(outcome: Result<R, HandleError>) -> Result<R, HandleError> {
    CALLS.set(CALLS.get() + 1);
    outcome.inspect_err(|&error| lock(&REFUSED).push(error))
}

/// All refusals since the last look.
pub(crate) fn take_refused() -> Vec<HandleError> {
    std::mem::take(&mut *lock(&REFUSED))
}

/// A lock whose holder panicked is as good as any other here: nothing is left half made.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
