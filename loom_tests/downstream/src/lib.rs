//! A registry of callbacks, as the Rust side of a C library keeps them: C gets an integer as
//! `user_data`, and gives it back when it calls, from any thread, perhaps too late.

use std::ffi::c_void;

use handle_table::{Handle, HandleError, HandleTable};

#[cfg(not(loom))]
use std::sync::atomic::{AtomicUsize, Ordering};

// A crate that is to be modelled takes all that its threads share from loom.
#[cfg(loom)]
use loom::sync::atomic::{AtomicUsize, Ordering};

/// Callbacks with state of type `S`.
#[derive(Debug)]
pub struct Registry<S> {
    callbacks: HandleTable<Callback<S>>,
}

#[derive(Debug)]
struct Callback<S> {
    fired: AtomicUsize,
    state: S,
}

impl<S: Send + Sync + 'static> Registry<S> {
    /// With nothing registered.
    pub fn new() -> Self {
        Self {
            callbacks: HandleTable::new(),
        }
    }

    /// What to give to C as `user_data`.
    pub fn register(&self, state: S) -> *mut c_void {
        let fired = AtomicUsize::new(0);
        self.callbacks.insert(Callback { fired, state }).into_ptr()
    }

    /// What C calls: runs `call` on the state that `user_data` stands for.
    ///
    /// # Errors
    ///
    /// If it is not registered, or no longer.
    pub fn fire<R>(
        &self,
        user_data: *mut c_void,
        call: impl FnOnce(&S) -> R,
    ) -> Result<R, HandleError> {
        let callback = self.callbacks.get(Handle::from_ptr(user_data)?)?;
        callback.fired.fetch_add(1, Ordering::Relaxed);
        Ok(call(&callback.state))
    }

    /// From here on it doesn't fire any more; says how often it has. A call that is under way ends,
    /// and then the state is dropped.
    ///
    /// # Errors
    ///
    /// If it is not registered, or no longer: of several threads that try, one succeeds.
    pub fn unregister(&self, user_data: *mut c_void) -> Result<usize, HandleError> {
        let callback = self.callbacks.remove_ref(Handle::from_ptr(user_data)?)?;
        Ok(callback.fired.load(Ordering::Relaxed))
    }
}

impl<S: Send + Sync + 'static> Default for Registry<S> {
    fn default() -> Self {
        Self::new()
    }
}
