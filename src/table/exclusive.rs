//! [`HandleTable`]: the verbs that change a value, in a table of [`Exclusive`].

use std::{any::type_name, ffi::c_void};

use super::{call::contain, handle_table::HandleTable, ref_mut::RefMut};
use crate::{
    error::{CallError, HandleError},
    exclusive::Exclusive,
    handle::Handle,
};

/// For values that change. All other verbs of the table see `&Exclusive<T>`.
impl<T> HandleTable<Exclusive<T>> {
    /// The value of `handle`, to be changed. It is kept alive, and no other borrower gets it, while
    /// the [`RefMut`] exists.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::{Exclusive, HandleError, HandleTable};
    ///
    /// let table = HandleTable::new();
    /// let handle = table.insert(Exclusive::new(vec![1]));
    /// let mut list = table.get_mut(handle)?;
    /// list.push(2);
    /// let raw = handle.to_raw();
    /// assert_eq!(table.get_mut(handle).unwrap_err(), HandleError::Busy { raw });
    /// drop(list);
    /// assert_eq!(table.get_mut(handle)?.len(), 2);
    /// # Ok::<(), HandleError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get), and [`HandleError::Busy`] if the value is borrowed, by any
    /// thread, the calling one included.
    ///
    /// # Progress and cost
    ///
    /// Those of [`get`](Self::get), a compare-exchange, and a store when the [`RefMut`] ends. The
    /// compare-exchange takes the value's cache line from other threads that use it. It waits for
    /// nobody. What [`get`](Self::get) says of holding a `Ref` for long holds for a `RefMut` too.
    #[doc(alias = "borrow_mut")]
    #[doc(alias = "lock")]
    #[inline]
    pub fn get_mut(&self, handle: Handle<Exclusive<T>>) -> Result<RefMut<'_, T>, HandleError> {
        let value = self.get(handle)?;
        RefMut::new(value).ok_or(HandleError::Busy { raw: handle.to_raw() })
    }

    /// Like [`call`](Self::call), with a value that `f` may change: the body of a callback, in one
    /// line.
    ///
    /// While `f` runs, no other borrower gets the value: if `f` calls C, and C calls back with the
    /// same `user_data`, that inner call is busy, and so is a call on another thread. If `f`
    /// panics, the borrow ends, and the value stays as `f` has left it.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::{CallError, Exclusive, HandleError, HandleTable};
    /// use std::ffi::{c_int, c_void};
    ///
    /// static SUMS: HandleTable<Exclusive<c_int>> = HandleTable::new();
    ///
    /// extern "C" fn on_event(event: c_int, user_data: *mut c_void) -> c_int {
    ///     let add = |sum: &mut c_int| {
    ///         *sum += event;
    ///         *sum
    ///     };
    ///     SUMS.call_mut(user_data, add).unwrap_or_else(|error| error.code())
    /// }
    ///
    /// let user_data = SUMS.insert(Exclusive::new(0)).to_ptr();
    /// assert_eq!(on_event(7, user_data), 7);
    /// assert_eq!(on_event(1, user_data), 8);
    /// let inside = SUMS.call_mut(user_data, |sum| (on_event(1, user_data), *sum));
    /// assert_eq!(inside, Ok((-5, 8))); // busy: `on_event` was called from inside
    /// let panicked: Result<(), _> = SUMS.call_mut(user_data, |_| panic!("a bug"));
    /// assert_eq!(panicked, Err(CallError::Panicked));
    /// assert_eq!(on_event(1, user_data), 9);
    /// ```
    ///
    /// # Errors
    ///
    /// [`CallError::Handle`] with the error that [`get_mut`](Self::get_mut) gives, or with
    /// [`HandleError::Null`]: `f` was not called. [`CallError::Panicked`] if `f` panicked. Each is
    /// [reported](crate::set_report_hook) once, after the borrow has ended.
    ///
    /// # Progress and cost
    ///
    /// Those of [`get_mut`](Self::get_mut), and of a landing pad, which costs nothing unless `f`
    /// panics.
    #[doc(alias = "trampoline")]
    #[inline]
    pub fn call_mut<R>(
        &self,
        user_data: *mut c_void,
        f: impl FnOnce(&mut T) -> R,
    ) -> Result<R, CallError> {
        match Handle::from_ptr(user_data).and_then(|handle| self.get_mut(handle)) {
            Ok(mut value) => {
                let result = contain(|| f(&mut value));
                // First: the report runs code of the program's, which may borrow the value.
                drop(value);
                result.map_err(|payload| {
                    self.reports.call_panicked(type_name::<Exclusive<T>>, payload);
                    CallError::Panicked
                })
            }
            Err(error) => Err(self.bad_call(error)),
        }
    }
}
