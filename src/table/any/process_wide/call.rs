//! The process-wide table: values for callbacks from C.

use std::{ffi::c_void, thread};

use super::AnyTable;
use crate::{
    error::{CallError, HandleError},
    handle::Handle,
};

/// For callbacks from C, whose user data is a handle that [`Handle::new`] has made.
impl Handle {
    /// Runs `f` with the value that C's `user_data` names, which must be a `T`: the body of a
    /// callback, in one line; see [`AnyTable::call`].
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::Handle;
    /// use std::ffi::{c_int, c_void};
    /// use std::sync::atomic::{AtomicI32, Ordering};
    ///
    /// extern "C" fn on_event(event: c_int, user_data: *mut c_void) -> c_int {
    ///     let add = |count: &AtomicI32| count.fetch_add(event, Ordering::Relaxed);
    ///     Handle::call(user_data, add).unwrap_or(-1)
    /// }
    ///
    /// let handle = Handle::new(AtomicI32::new(0));
    /// assert_eq!(on_event(7, handle.to_ptr()), 0);
    /// assert_eq!(on_event(1, handle.to_ptr()), 7);
    /// handle.delete();
    /// assert_eq!(on_event(1, handle.to_ptr()), -1); // too late: an error, and a report
    /// ```
    ///
    /// # Errors
    ///
    /// [`CallError::Handle`] with the error that [`try_value`](Self::try_value) gives, or with
    /// [`HandleError::Null`]: `f` was not called. [`CallError::Panicked`] if `f` panicked. Each is
    /// [reported](crate::set_report_hook) once.
    #[doc(alias = "trampoline")]
    #[inline]
    pub fn call<T: 'static, R>(
        user_data: *mut c_void,
        f: impl FnOnce(&T) -> R,
    ) -> Result<R, CallError> {
        AnyTable::global().call(user_data, f)
    }

    /// Like [`call`](Self::call), with a clone of the value: nothing is pinned while `f` runs. For
    /// closures that run for long, or that wait for a delete.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::Handle;
    /// use std::{ffi::c_void, sync::Arc};
    ///
    /// extern "C" fn run_event_loop(user_data: *mut c_void) {
    ///     let _ = Handle::call_cloned(user_data, |title: &Arc<String>| {
    ///         // For hours. Deletes are not held up meanwhile.
    ///         assert_eq!(**title, "main");
    ///     });
    /// }
    ///
    /// let handle = Handle::new(Arc::new(String::from("main")));
    /// run_event_loop(handle.to_ptr());
    /// handle.delete();
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`call`](Self::call). [`CallError::Panicked`] also if the value's `clone` panics, or
    /// the drop of the clone.
    pub fn call_cloned<T: Clone + 'static, R>(
        user_data: *mut c_void,
        f: impl FnOnce(&T) -> R,
    ) -> Result<R, CallError> {
        AnyTable::global().call_cloned(user_data, f)
    }

    /// Like [`call`](Self::call), but gives back the payload of a panic, for a caller that parks it
    /// and has it go on, by [`resume_unwind`](std::panic::resume_unwind), once C has returned;
    /// [`HandleTable::call_catching`](crate::HandleTable::call_catching) shows how. Reports nothing.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::Handle;
    ///
    /// let handle = Handle::new(7_u32);
    /// let payload = Handle::call_catching(handle.to_ptr(), |number: &u32| {
    ///     assert_eq!(*number, 8, "not eight");
    /// })?.unwrap_err();
    /// assert!(payload.downcast_ref::<String>().unwrap().contains("not eight"));
    /// handle.delete();
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The error that [`try_value`](Self::try_value) gives, or [`HandleError::Null`]. In the `Ok`,
    /// the payload of the panic, if `f` panicked. It may panic in its own drop.
    #[inline]
    pub fn call_catching<T: 'static, R>(
        user_data: *mut c_void,
        f: impl FnOnce(&T) -> R,
    ) -> Result<thread::Result<R>, HandleError> {
        AnyTable::global().call_catching(user_data, f)
    }

    /// A destructor for C: deletes the handle of the process-wide table that it gets, whichever
    /// type its value has.
    ///
    /// Takes null as `free` does, and never unwinds. A handle that it can't delete is
    /// [reported](crate::set_report_hook). [`destroy_callback!`](crate::destroy_callback) makes such
    /// a function for any other table.
    ///
    /// # Safety
    ///
    /// The argument may be any word. This is `unsafe` only to have the type that C APIs want.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::Handle;
    /// use std::{ffi::c_void, sync::Arc};
    ///
    /// /// C's: keeps `user_data` until it calls `destroy`.
    /// fn register(user_data: *mut c_void, destroy: Option<unsafe extern "C" fn(*mut c_void)>) {
    ///     if let Some(destroy) = destroy {
    ///         unsafe { destroy(user_data) };
    ///     }
    /// }
    ///
    /// let resource = Arc::new(());
    /// register(Handle::new(Arc::clone(&resource)).to_ptr(), Some(Handle::destroy));
    /// assert_eq!(Arc::strong_count(&resource), 1); // dropped
    /// ```
    #[doc(alias = "free")]
    pub unsafe extern "C" fn destroy(user_data: *mut c_void) {
        AnyTable::global().destroy(user_data);
    }
}
