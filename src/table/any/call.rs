//! [`AnyTable`]: values for callbacks from C, as `table/call.rs` has them for tables of one type.

use std::{
    any::{type_name, Any},
    ffi::c_void,
    ptr::NonNull,
    thread,
};

use super::table::AnyTable;
use crate::{
    epoch::{self, SmallGuard},
    error::{CallError, HandleError},
    handle::Handle,
    report::Operation,
    table::call::{contain, contain_with},
};

/// For callbacks from C.
impl AnyTable {
    /// Runs `f` with the value that C's `user_data` names, which must be a `T`: the body of a
    /// callback, in one line.
    ///
    /// Whatever the word is, and whatever `f` does, this returns: a handle that names nothing, or a
    /// value of another type, is an error, and a panic of `f` is contained. Both are
    /// [reported](crate::set_report_hook) once, with the name of `T`.
    ///
    /// The value is kept alive while `f` runs, also if its handle is deleted meanwhile, even by `f`
    /// itself. That is done as with [`get`](Self::get): while `f` runs, no value that is deleted
    /// anywhere is dropped. For an `f` that runs for long, an event loop say, use
    /// [`call_cloned`](Self::call_cloned).
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::AnyTable;
    /// use std::ffi::{c_int, c_void};
    ///
    /// static OBJECTS: AnyTable = AnyTable::new();
    ///
    /// extern "C" fn name_len(name: *mut c_void) -> c_int {
    ///     OBJECTS.call(name, |name: &String| name.len() as c_int).unwrap_or_else(|e| e.code())
    /// }
    ///
    /// let (name, number) = (OBJECTS.insert(String::from("value")), OBJECTS.insert(7));
    /// assert_eq!(name_len(name.to_ptr()), 5);
    /// assert_eq!(name_len(number.to_ptr()), -4); // an `i32`: an error, and a report
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
    pub fn call<T: 'static, R>(
        &self,
        user_data: *mut c_void,
        f: impl FnOnce(&T) -> R,
    ) -> Result<R, CallError> {
        let Some((value, guard)) = self.begin_call(user_data) else {
            return Err(self.refuse_call::<T>(user_data));
        };
        // SAFETY: the value lives while the guard is pinned.
        let result = contain(|| f(unsafe { value.as_ref() }));
        // First: the report runs code of the program's.
        drop(guard);
        result.map_err(|payload| self.panicked::<T>(payload))
    }

    /// The value for a callback, and the guard that keeps it, if there is one. In one function for
    /// all callbacks with a `T`, which are small then.
    #[inline(never)]
    fn begin_call<T: 'static>(&self, user_data: *mut c_void) -> Option<(NonNull<T>, SmallGuard)> {
        let handle = Handle::<dyn Any>::from_ptr(user_data).ok()?.raw();
        let guard = epoch::pin();
        let value = self.table.inner.lookup().get(handle, &guard)?;
        let value = NonNull::from(value.get::<T>(handle).ok()?);
        Some((value, guard.into_small()))
    }

    /// Why there is none. Reports it.
    #[cold]
    #[inline(never)]
    fn refuse_call<T: 'static>(&self, user_data: *mut c_void) -> CallError {
        let error = match Handle::<dyn Any>::from_ptr(user_data) {
            // If it is valid now, its value came after the look-up.
            Ok(handle) => match self.get::<T>(handle) {
                Ok(_) => HandleError::NotYet { raw: handle.to_raw() },
                Err(error) => error,
            },
            Err(null) => null,
        };
        self.bad_call(type_name::<T>, error)
    }

    #[inline]
    fn panicked<T>(&self, payload: Box<dyn Any + Send>) -> CallError {
        self.report_panic::<T>(payload);
        CallError::Panicked
    }

    #[cold]
    #[inline(never)]
    fn report_panic<T>(&self, payload: Box<dyn Any + Send>) {
        self.table.reports.call_panicked(type_name::<T>, payload);
    }

    /// Like [`call`](Self::call), with a clone of the value: nothing is pinned while `f` runs. For
    /// closures that run for long, or that wait for a delete.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::AnyTable;
    /// use std::{ffi::c_void, sync::Arc};
    ///
    /// struct Window { title: String }
    /// static OBJECTS: AnyTable = AnyTable::new();
    ///
    /// extern "C" fn run_event_loop(user_data: *mut c_void) {
    ///     let _ = OBJECTS.call_cloned(user_data, |window: &Arc<Window>| {
    ///         // For hours. Deletes are not held up meanwhile.
    ///         assert_eq!(window.title, "main");
    ///         OBJECTS.clear();
    ///     });
    /// }
    ///
    /// run_event_loop(OBJECTS.insert(Arc::new(Window { title: "main".into() })).to_ptr());
    /// assert!(OBJECTS.is_empty());
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
    pub fn call_cloned<T: Clone + 'static, R>(
        &self,
        user_data: *mut c_void,
        f: impl FnOnce(&T) -> R,
    ) -> Result<R, CallError> {
        let find = || Handle::from_ptr(user_data).and_then(|handle| self.cloned::<T>(handle));
        let found = contain(find).map_err(|payload| self.panicked::<T>(payload))?;
        let value = found.map_err(|error| self.bad_call(type_name::<T>, error))?;
        contain_with(value, f).map_err(|payload| self.panicked::<T>(payload))
    }

    /// Like [`call`](Self::call), but gives back the payload of a panic, for a caller that parks it
    /// and has it go on, by [`resume_unwind`](std::panic::resume_unwind), once C has returned;
    /// [`HandleTable::call_catching`](crate::HandleTable::call_catching) shows how. Reports nothing.
    ///
    /// # Example
    ///
    /// ```
    /// let table = handle_table::AnyTable::new();
    /// let user_data = table.insert(7_u32).to_ptr();
    /// let run = |number: &u32| assert_eq!(*number, 8, "not eight");
    /// let payload = table.call_catching(user_data, run)?.unwrap_err();
    /// assert!(payload.downcast_ref::<String>().unwrap().contains("not eight"));
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The error that [`get`](Self::get) gives, or [`HandleError::Null`]. In the `Ok`, the payload
    /// of the panic, if `f` panicked. It may panic in its own drop.
    ///
    /// # Progress and cost
    ///
    /// Those of [`call`](Self::call).
    #[inline]
    pub fn call_catching<T: 'static, R>(
        &self,
        user_data: *mut c_void,
        f: impl FnOnce(&T) -> R,
    ) -> Result<thread::Result<R>, HandleError> {
        let value = self.get::<T>(Handle::from_ptr(user_data)?)?;
        Ok(contain(|| f(&value)))
    }

    /// Deletes the handle that C's `user_data` names, whichever type its value has: what
    /// [`destroy_callback!`] calls.
    ///
    /// Takes null as `free` does, and lets no panic out. A handle that can't be deleted is
    /// [reported](crate::set_report_hook), as one of `dyn Any`.
    ///
    /// [`destroy_callback!`]: crate::destroy_callback
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::{destroy_callback, AnyTable};
    ///
    /// static OBJECTS: AnyTable = AnyTable::new();
    ///
    /// let destroy: unsafe extern "C" fn(*mut std::ffi::c_void) = destroy_callback!(OBJECTS);
    /// let user_data = OBJECTS.insert(7).to_ptr();
    /// // SAFETY: any word is safe to delete.
    /// unsafe { destroy(user_data) };
    /// assert!(OBJECTS.is_empty());
    ///
    /// OBJECTS.destroy(std::ptr::null_mut()); // nothing
    /// OBJECTS.destroy(user_data); // twice: a report
    /// assert_eq!(OBJECTS.stats().bad_handles, 1);
    /// ```
    ///
    /// # Progress and cost
    ///
    /// Those of [`remove`](Self::remove).
    #[doc(alias = "free")]
    pub fn destroy(&self, user_data: *mut c_void) {
        if let Ok(handle) = Handle::from_ptr(user_data) {
            self.destroy_handle(handle);
        }
    }

    pub(in crate::table) fn destroy_handle(&self, handle: Handle<dyn Any>) {
        if let Err(error) = self.remove(handle) {
            self.table.reports.bad_handle(Operation::Destroy, type_name::<dyn Any>, error);
        }
    }

    #[cold]
    #[inline(never)]
    fn bad_call(&self, type_name: fn() -> &'static str, error: HandleError) -> CallError {
        self.table.reports.bad_handle(Operation::Call, type_name, error)
    }
}
