//! Values for callbacks: resolve what C has kept, run a closure, let no panic out.

use std::{
    any::{type_name, Any},
    ffi::c_void,
    panic::{catch_unwind, AssertUnwindSafe},
    ptr::NonNull,
    thread,
};

use super::handle_table::HandleTable;
use crate::{
    epoch::{self, SmallGuard},
    error::{CallError, HandleError},
    handle::Handle,
    report::{drop_payload, Operation},
};

/// Runs `f`, and catches its panic.
#[inline]
pub(super) fn contain<R>(f: impl FnOnce() -> R) -> Result<R, Box<dyn Any + Send>> {
    if cfg!(loom) {
        // loom reports what it finds by panicking.
        return Ok(f());
    }
    catch_unwind(AssertUnwindSafe(f))
}

/// Runs `f` with `value`, drops that, and catches the panics of both. Gives the payload of the
/// first.
pub(super) fn contain_with<T, R>(
    value: T,
    f: impl FnOnce(&T) -> R,
) -> Result<R, Box<dyn Any + Send>> {
    let result = contain(|| f(&value));
    // On its own: a panic in it, while that of `f` unwinds, would abort the process.
    match (result, contain(|| drop(value))) {
        (result, Ok(())) => result,
        (Ok(_), Err(payload)) => Err(payload),
        (Err(first), Err(second)) => {
            drop_payload(second);
            Err(first)
        }
    }
}

/// For callbacks from C.
impl<T> HandleTable<T> {
    /// Runs `f` with the value that C's `user_data` names: the body of a callback, in one line.
    ///
    /// Whatever the word is, and whatever `f` does, this returns: a handle that names nothing is an
    /// error, a panic of `f` is contained. Both are [reported](crate::set_report_hook) once.
    ///
    /// The value is kept alive while `f` runs, also if its handle is deleted meanwhile, even by `f`
    /// itself. That is done as with [`get`](Self::get): while `f` runs, no value that is deleted
    /// anywhere is dropped. For an `f` that runs for long, an event loop say, use
    /// [`call_cloned`](Self::call_cloned).
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::HandleTable;
    /// use std::ffi::{c_int, c_void};
    /// use std::sync::atomic::{AtomicI32, Ordering};
    ///
    /// static COUNTS: HandleTable<AtomicI32> = HandleTable::new();
    ///
    /// extern "C" fn on_event(event: c_int, user_data: *mut c_void) -> c_int {
    ///     COUNTS.call(user_data, |count| count.fetch_add(event, Ordering::Relaxed)).unwrap_or(-1)
    /// }
    ///
    /// let handle = COUNTS.insert(AtomicI32::new(0));
    /// assert_eq!(on_event(7, handle.to_ptr()), 0);
    /// assert_eq!(on_event(1, handle.to_ptr()), 7);
    /// COUNTS.remove(handle)?;
    /// assert_eq!(on_event(1, handle.to_ptr()), -1); // too late: an error, and a report
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`CallError::Handle`] with the error that [`get`](Self::get) gives, or with
    /// [`HandleError::Null`]: `f` was not called. [`CallError::Panicked`] if `f` panicked.
    ///
    /// # Progress and cost
    ///
    /// Those of [`get`](Self::get), and of a landing pad, which costs nothing unless `f` panics.
    #[doc(alias = "trampoline")]
    #[inline]
    pub fn call<R>(&self, user_data: *mut c_void, f: impl FnOnce(&T) -> R) -> Result<R, CallError> {
        let Some((value, guard)) = self.begin_call(user_data) else {
            return Err(self.refuse_call(user_data));
        };
        // SAFETY: the value lives while the guard is pinned.
        let result = contain(|| f(unsafe { value.as_ref() }));
        // First: the report runs code of the program's.
        drop(guard);
        result.map_err(|payload| self.panicked(payload))
    }

    /// The value for a callback, and the guard that keeps it, if there is one. In one function for
    /// all callbacks of a table, which are small then.
    #[inline(never)]
    fn begin_call(&self, user_data: *mut c_void) -> Option<(NonNull<T>, SmallGuard)> {
        let found = self.inner.find(Handle::<T>::from_ptr(user_data).ok()?.raw())?;
        found.prefetch();
        let guard = epoch::pin();
        let value = NonNull::from(found.read(&guard)?);
        Some((value, guard.into_small()))
    }

    /// Why there is none. Reports it.
    #[cold]
    #[inline(never)]
    fn refuse_call(&self, user_data: *mut c_void) -> CallError {
        let error = match Handle::<T>::from_ptr(user_data) {
            Ok(handle) => self.inner.explain(handle.raw()),
            Err(null) => null,
        };
        self.bad_call(error)
    }

    /// Like [`call`](Self::call), with a clone of the value: nothing is pinned while `f` runs. For
    /// closures that run for long, or that wait for a delete.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::HandleTable;
    /// use std::{ffi::c_void, sync::Arc};
    ///
    /// struct Window { title: String }
    /// static WINDOWS: HandleTable<Arc<Window>> = HandleTable::new();
    ///
    /// extern "C" fn run_event_loop(user_data: *mut c_void) {
    ///     let _ = WINDOWS.call_cloned(user_data, |window| {
    ///         // For hours. Deletes are not held up meanwhile.
    ///         assert_eq!(window.title, "main");
    ///         WINDOWS.clear();
    ///     });
    /// }
    ///
    /// run_event_loop(WINDOWS.insert(Arc::new(Window { title: "main".into() })).to_ptr());
    /// assert!(WINDOWS.is_empty());
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`call`](Self::call). [`CallError::Panicked`] also if the value's `clone` panics, or
    /// the drop of the clone.
    ///
    /// # Progress and cost
    ///
    /// Those of [`get`](Self::get), of the clone, and of its drop.
    pub fn call_cloned<R>(
        &self,
        user_data: *mut c_void,
        f: impl FnOnce(&T) -> R,
    ) -> Result<R, CallError>
    where
        T: Clone,
    {
        let find = || Handle::from_ptr(user_data).and_then(|handle| self.cloned(handle));
        let found = contain(find).map_err(|payload| self.panicked(payload))?;
        let value = found.map_err(|error| self.bad_call(error))?;
        contain_with(value, f).map_err(|payload| self.panicked(payload))
    }

    /// Like [`call`](Self::call), but gives back the payload of a panic, for a caller that parks it
    /// and has it go on, by [`resume_unwind`](std::panic::resume_unwind), once C has returned.
    /// Reports nothing.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::HandleTable;
    /// use std::{any::Any, ffi::c_void, panic, sync::Mutex};
    ///
    /// struct Rows { seen: Mutex<Vec<i32>>, parked: Mutex<Option<Box<dyn Any + Send>>> }
    /// static ROWS: HandleTable<Rows> = HandleTable::new();
    ///
    /// extern "C" fn on_row(row: i32, user_data: *mut c_void) -> i32 {
    ///     let run = |rows: &Rows| {
    ///         assert!(row >= 0, "a row without a number");
    ///         rows.seen.lock().unwrap().push(row);
    ///     };
    ///     match ROWS.call_catching(user_data, run) {
    ///         Ok(Ok(())) => 0,
    ///         Ok(Err(payload)) => {
    ///             let park = |rows: &Rows| *rows.parked.lock().unwrap() = Some(payload);
    ///             let _ = ROWS.call(user_data, park);
    ///             1 // C stops here
    ///         }
    ///         Err(error) => error.code(),
    ///     }
    /// }
    ///
    /// let handle = ROWS.insert(Rows { seen: vec![].into(), parked: None.into() });
    /// assert_eq!(on_row(7, handle.to_ptr()), 0);
    /// assert_eq!(on_row(-7, handle.to_ptr()), 1);
    /// // C has returned: the panic may go on.
    /// let parked = ROWS.get(handle)?.parked.lock().unwrap().take();
    /// let go_on = panic::AssertUnwindSafe(|| panic::resume_unwind(parked.unwrap()));
    /// let again = panic::catch_unwind(go_on).unwrap_err();
    /// assert_eq!(again.downcast_ref(), Some(&"a row without a number"));
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The error that [`get`](Self::get) gives, or [`HandleError::Null`]. In the `Ok`, the payload
    /// of the panic, if `f` panicked. It may panic in its own drop.
    #[inline]
    pub fn call_catching<R>(
        &self,
        user_data: *mut c_void,
        f: impl FnOnce(&T) -> R,
    ) -> Result<thread::Result<R>, HandleError> {
        let value = self.get(Handle::from_ptr(user_data)?)?;
        Ok(contain(|| f(&value)))
    }

    /// Deletes the handle that C's `user_data` names: what [`destroy_callback!`] calls.
    ///
    /// Takes null as `free` does, and lets no panic out. A handle that can't be deleted is
    /// [reported](crate::set_report_hook).
    ///
    /// [`destroy_callback!`]: crate::destroy_callback
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::HandleTable;
    ///
    /// let table = HandleTable::new();
    /// let user_data = table.insert(7).to_ptr();
    /// table.destroy(user_data);
    /// assert!(table.is_empty());
    /// table.destroy(std::ptr::null_mut()); // nothing
    /// table.destroy(user_data); // twice: a report
    /// assert_eq!(table.stats().bad_handles, 1);
    /// ```
    ///
    /// # Progress and cost
    ///
    /// Those of [`remove`](Self::remove).
    pub fn destroy(&self, user_data: *mut c_void) {
        if let Ok(handle) = Handle::from_ptr(user_data) {
            self.destroy_handle(handle);
        }
    }

    pub(super) fn destroy_handle(&self, handle: Handle<T>) {
        if let Err(error) = self.remove(handle) {
            self.reports.bad_handle(Operation::Destroy, type_name::<T>, error);
        }
    }

    #[inline]
    fn panicked(&self, payload: Box<dyn Any + Send>) -> CallError {
        self.report_panic(payload);
        CallError::Panicked
    }

    #[cold]
    #[inline(never)]
    fn report_panic(&self, payload: Box<dyn Any + Send>) {
        self.reports.call_panicked(type_name::<T>, payload);
    }

    #[cold]
    #[inline(never)]
    pub(super) fn bad_call(&self, error: HandleError) -> CallError {
        self.reports.bad_handle(Operation::Call, type_name::<T>, error)
    }
}

/// A destructor for C of the handles of a table: an `unsafe extern "C" fn(*mut c_void)`.
///
/// The table is a `static`. The function deletes the handle that it gets, takes null as `free`
/// does, never unwinds, and [reports](crate::set_report_hook) a handle that it can't delete. Its
/// argument may be any word: it is `unsafe` only to have the type that C APIs want.
/// [`Handle::destroy`](crate::Handle::destroy) is the same for the process-wide table.
///
/// # Example
///
/// ```
/// use handle_table::{destroy_callback, HandleTable};
/// use std::ffi::c_void;
///
/// static NAMES: HandleTable<String> = HandleTable::new();
///
/// /// C's: keeps `user_data` until it calls `destroy`.
/// fn register(user_data: *mut c_void, destroy: Option<unsafe extern "C" fn(*mut c_void)>) {
///     if let Some(destroy) = destroy {
///         unsafe { destroy(user_data) };
///     }
/// }
///
/// register(NAMES.insert("value".into()).to_ptr(), Some(destroy_callback!(NAMES)));
/// assert!(NAMES.is_empty());
/// ```
#[macro_export]
macro_rules! destroy_callback {
    ($table:expr $(,)?) => {{
        // Not `unsafe`: then `$table` could be unsafe code without saying so.
        extern "C" fn destroy(user_data: *mut ::core::ffi::c_void) {
            $table.destroy(user_data);
        }
        destroy as unsafe extern "C" fn(*mut ::core::ffi::c_void)
    }};
}
