//! As much of SQLite's API as the example needs. This file knows nothing of handles: user data is
//! a `void *` here.

use std::{
    error::Error,
    ffi::{c_char, c_int, c_void, CStr},
    fmt, ptr,
};

use libsqlite3_sys as ffi;

/// SQLite's `xFunc` and `xStep`.
pub(crate) type OnRow =
    unsafe extern "C" fn(*mut ffi::sqlite3_context, c_int, *mut *mut ffi::sqlite3_value);
/// SQLite's `xFinal`.
pub(crate) type OnFinal = unsafe extern "C" fn(*mut ffi::sqlite3_context);
/// SQLite's `xDestroy`.
pub(crate) type OnDestroy = unsafe extern "C" fn(*mut c_void);
/// The callback of `sqlite3_update_hook`.
pub(crate) type OnUpdate =
    extern "C" fn(*mut c_void, c_int, *const c_char, *const c_char, ffi::sqlite3_int64);

/// The message of an error of SQLite.
#[derive(Debug)]
pub(crate) struct SqlError(String);

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for SqlError {}

/// The callbacks of an SQL function.
#[derive(Clone, Copy)]
pub(crate) enum SqlFunction {
    Scalar(OnRow),
    Aggregate(OnRow, OnFinal),
}

/// A database in memory, used only by the thread that opened it.
pub(crate) struct Connection {
    db: *mut ffi::sqlite3,
}

impl Connection {
    pub(crate) fn open() -> Result<Self, SqlError> {
        let mut db = ptr::null_mut();
        let flags = ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_CREATE | ffi::SQLITE_OPEN_NOMUTEX;
        // SAFETY: the name ends in a zero and `db` is writable. Null names the default VFS.
        let code =
            unsafe { ffi::sqlite3_open_v2(c":memory:".as_ptr(), &mut db, flags, ptr::null()) };
        let this = Self { db }; // after a failure too, SQLite needs the close in `drop`
        this.check(code).map(|()| this)
    }

    /// Registers an SQL function of one argument.
    ///
    /// SQLite passes `user_data` to each call of the function. It calls `on_destroy` with it when
    /// the function is deleted or replaced, when the connection closes, and when this call fails.
    ///
    /// # Safety
    ///
    /// The callbacks are right for every call of SQLite with this user data.
    pub(crate) unsafe fn create_function(
        &self,
        name: &CStr,
        function: SqlFunction,
        user_data: *mut c_void,
        on_destroy: Option<OnDestroy>,
    ) -> Result<(), SqlError> {
        let (func, step, last) = match function {
            SqlFunction::Scalar(func) => (Some(func), None, None),
            SqlFunction::Aggregate(step, last) => (None, Some(step), Some(last)),
        };
        let (name, utf8) = (name.as_ptr(), ffi::SQLITE_UTF8);
        // SAFETY: the connection is open, the name ends in a zero. The rest is the caller's duty.
        self.check(unsafe {
            ffi::sqlite3_create_function_v2(
                self.db, name, 1, utf8, user_data, func, step, last, on_destroy,
            )
        })
    }

    /// Deletes an SQL function. SQLite calls its `on_destroy`.
    pub(crate) fn delete_function(&self, name: &CStr) -> Result<(), SqlError> {
        let (name, utf8, no_data) = (name.as_ptr(), ffi::SQLITE_UTF8, ptr::null_mut());
        // SAFETY: the connection is open, the name ends in a zero, and no callback is passed.
        self.check(unsafe {
            ffi::sqlite3_create_function_v2(self.db, name, 1, utf8, no_data, None, None, None, None)
        })
    }

    /// Makes SQLite call `hook` for each row that is inserted, updated or deleted.
    ///
    /// # Safety
    ///
    /// `hook` is right for every call of SQLite with this user data.
    pub(crate) unsafe fn set_update_hook(&self, hook: OnUpdate, user_data: *mut c_void) {
        // SAFETY: the connection is open. The rest is the caller's duty.
        unsafe { ffi::sqlite3_update_hook(self.db, Some(hook), user_data) };
    }

    pub(crate) fn prepare(&self, sql: &CStr) -> Result<Statement<'_>, SqlError> {
        let mut raw = ptr::null_mut();
        // SAFETY: the connection is open, the text ends in a zero, and `raw` is writable.
        self.check(unsafe {
            ffi::sqlite3_prepare_v2(self.db, sql.as_ptr(), -1, &mut raw, ptr::null_mut())
        })?;
        Ok(Statement { raw, connection: self })
    }

    /// Runs a statement and returns its last row.
    pub(crate) fn run<const COLUMNS: usize>(&self, sql: &CStr) -> Result<[i64; COLUMNS], SqlError> {
        let mut last = [0; COLUMNS];
        self.prepare(sql)?.run(&[], |row| last = row)?;
        Ok(last)
    }

    fn check(&self, code: c_int) -> Result<(), SqlError> {
        if code == ffi::SQLITE_OK {
            return Ok(());
        }
        // SAFETY: the connection is open or null. SQLite has a message for null too.
        let message = unsafe { ffi::sqlite3_errmsg(self.db) };
        // SAFETY: SQLite's string ends in a zero and stays valid until the next call.
        let message = unsafe { CStr::from_ptr(message) };
        Err(SqlError(message.to_string_lossy().into_owned()))
    }
}

impl Drop for Connection {
    /// Closes the database. SQLite calls `on_destroy` for each function that is left.
    fn drop(&mut self) {
        // SAFETY: `open` opened it, and only `drop` closes it. Statements borrow it: none is left.
        unsafe { ffi::sqlite3_close(self.db) };
    }
}

/// A compiled statement. Its parameters and results are integers.
pub(crate) struct Statement<'c> {
    raw: *mut ffi::sqlite3_stmt,
    connection: &'c Connection,
}

impl Statement<'_> {
    /// Runs the statement to its end and calls `on_row` with each row.
    pub(crate) fn run<const COLUMNS: usize>(
        &mut self,
        parameters: &[i64],
        mut on_row: impl FnMut([i64; COLUMNS]),
    ) -> Result<(), SqlError> {
        for (index, &value) in (1..).zip(parameters) {
            // SAFETY: the statement is live and not running. SQLite checks the index.
            let code = unsafe { ffi::sqlite3_bind_int64(self.raw, index, value) };
            self.connection.check(code)?;
        }
        // SAFETY: the statement is live.
        while unsafe { ffi::sqlite3_step(self.raw) } == ffi::SQLITE_ROW {
            on_row(std::array::from_fn(|column| {
                // SAFETY: the statement has a row. SQLite checks the column.
                unsafe { ffi::sqlite3_column_int64(self.raw, column as c_int) }
            }));
        }
        // SAFETY: the statement is live. `sqlite3_reset` returns the error of the last step.
        self.connection.check(unsafe { ffi::sqlite3_reset(self.raw) })
    }
}

impl Drop for Statement<'_> {
    fn drop(&mut self) {
        // SAFETY: `prepare` made it, and only `drop` finalizes it.
        unsafe { ffi::sqlite3_finalize(self.raw) };
    }
}

/// The version of SQLite.
pub(crate) fn version() -> String {
    // SAFETY: a constant string that ends in a zero.
    let version = unsafe { CStr::from_ptr(ffi::sqlite3_libversion()) };
    version.to_string_lossy().into_owned()
}
