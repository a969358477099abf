//! [`OnceTable`]: values for callbacks from C.

use std::{
    any::{type_name, Any},
    ffi::c_void,
};

use super::table::OnceTable;
use crate::{
    error::{CallError, HandleError},
    handle::Handle,
    report::Operation,
    table::call::contain,
};

/// For callbacks from C.
impl<T> OnceTable<T> {
    /// Takes the value that C's `user_data` names, and runs `f` with it: the body of a one-shot
    /// callback, in one line.
    ///
    /// Whatever the word is, and whatever `f` does, this returns: a handle that names nothing is an
    /// error, as is a second call; a panic of `f` is contained. Both are
    /// [reported](crate::set_report_hook) once. While `f` runs, nothing is held up, however long it
    /// runs.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::OnceTable;
    /// use std::ffi::{c_int, c_void};
    /// use std::sync::mpsc::{channel, Sender};
    ///
    /// static REPLIES: OnceTable<Sender<c_int>> = OnceTable::new();
    ///
    /// extern "C" fn on_reply(reply: c_int, user_data: *mut c_void) -> c_int {
    ///     let sent = REPLIES.call_once(user_data, |sender| sender.send(reply).is_ok());
    ///     sent.map_or_else(|error| error.code(), c_int::from)
    /// }
    ///
    /// let (sender, receiver) = channel();
    /// let user_data = REPLIES.insert(sender).to_ptr();
    /// assert_eq!(on_reply(7, user_data), 1);
    /// assert_eq!(receiver.recv(), Ok(7));
    /// assert!(receiver.recv().is_err()); // the sender is gone
    /// assert!(on_reply(8, user_data) < 0); // twice: an error, and a report
    /// ```
    ///
    /// # Errors
    ///
    /// [`CallError::Handle`] with the error that [`take`](Self::take) gives, or with
    /// [`HandleError::Null`]: `f` was not called. [`CallError::Panicked`] if `f` panicked: the value
    /// is gone.
    ///
    /// # Progress and cost
    ///
    /// Those of [`take`](Self::take), and of a landing pad, which costs nothing unless `f` panics.
    #[doc(alias = "trampoline")]
    #[inline]
    pub fn call_once<R>(
        &self,
        user_data: *mut c_void,
        f: impl FnOnce(T) -> R,
    ) -> Result<R, CallError> {
        let value = self.begin_call(user_data)?;
        contain(|| f(value)).map_err(|payload| {
            self.report_panic(payload);
            CallError::Panicked
        })
    }

    /// The value for a callback; reports why there is none. In one function for all callbacks of a
    /// table, which are small then.
    #[inline(never)]
    fn begin_call(&self, user_data: *mut c_void) -> Result<T, CallError> {
        let taken = Handle::from_ptr(user_data).and_then(|handle| self.take(handle));
        taken.map_err(|error| self.bad_handle(Operation::Call, error))
    }

    #[cold]
    #[inline(never)]
    fn report_panic(&self, payload: Box<dyn Any + Send>) {
        self.reports.call_panicked(type_name::<T>, payload);
    }

    /// Removes the handle that C's `user_data` names: what [`destroy_callback!`] calls. For a C API
    /// that calls either the callback or a destructor.
    ///
    /// Takes null as `free` does, and lets no panic out. A handle that can't be removed is
    /// [reported](crate::set_report_hook).
    ///
    /// [`destroy_callback!`]: crate::destroy_callback
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::{destroy_callback, OnceTable};
    ///
    /// static TABLE: OnceTable<String> = OnceTable::new();
    ///
    /// let user_data = TABLE.insert("value".into()).to_ptr();
    /// let destroy = destroy_callback!(TABLE);
    /// unsafe { destroy(user_data) };
    /// assert!(TABLE.is_empty());
    /// TABLE.destroy(std::ptr::null_mut()); // nothing
    /// TABLE.destroy(user_data); // twice: a report
    /// assert_eq!(TABLE.stats().bad_handles, 1);
    /// ```
    ///
    /// # Progress and cost
    ///
    /// Those of [`remove`](Self::remove).
    pub fn destroy(&self, user_data: *mut c_void) {
        if let Ok(handle) = Handle::from_ptr(user_data) {
            if let Err(error) = self.remove(handle) {
                self.bad_handle(Operation::Destroy, error);
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn bad_handle(&self, operation: Operation, error: HandleError) -> CallError {
        self.reports.bad_handle(operation, type_name::<T>, error)
    }
}
