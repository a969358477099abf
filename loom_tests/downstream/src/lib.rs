//! A registry of callbacks on the Rust side of a C library. C gets an integer as `user_data` and
//! passes it back when it calls, from any thread and perhaps too late.

use std::ffi::c_void;

use handle_table::{Handle, HandleError, HandleTable, WaitError};

#[cfg(not(loom))]
use std::sync::atomic::{AtomicUsize, Ordering};

// In a model, all atomics that threads share must be loom's.
#[cfg(loom)]
use loom::sync::atomic::{AtomicUsize, Ordering};

mod requests;

pub use self::requests::Requests;

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
    /// An empty registry.
    pub fn new() -> Self {
        Self { callbacks: HandleTable::new() }
    }

    /// Registers a callback, and returns what to pass to C as `user_data`.
    pub fn register(&self, state: S) -> *mut c_void {
        let fired = AtomicUsize::new(0);
        self.callbacks.insert(Callback { fired, state }).to_ptr()
    }

    /// C calls this: it runs `call` on the state that `user_data` stands for.
    ///
    /// # Errors
    ///
    /// If the callback is not registered, or not any more.
    pub fn fire<R>(
        &self,
        user_data: *mut c_void,
        call: impl FnOnce(&S) -> R,
    ) -> Result<R, HandleError> {
        let callback = self.callbacks.get(Handle::from_ptr(user_data)?)?;
        callback.fired.fetch_add(1, Ordering::Relaxed);
        Ok(call(&callback.state))
    }

    /// Unregisters a callback, and returns how often it has fired. Later calls fail. The state is
    /// dropped when all calls that are under way have ended.
    ///
    /// # Errors
    ///
    /// If the callback is not registered, or not any more. Of several threads that try, one
    /// succeeds.
    pub fn unregister(&self, user_data: *mut c_void) -> Result<usize, HandleError> {
        let callback = self.callbacks.remove_ref(Handle::from_ptr(user_data)?)?;
        Ok(callback.fired.load(Ordering::Relaxed))
    }

    /// Unregisters a callback, and returns when no call is under way any more and the state is
    /// dropped: what a call uses may be freed then.
    ///
    /// # Errors
    ///
    /// If the callback is not registered, or not any more; or if this is called from inside a call.
    pub fn unregister_wait(&self, user_data: *mut c_void) -> Result<(), WaitError> {
        self.callbacks.remove_wait(Handle::from_ptr(user_data)?)
    }
}

impl<S: Send + Sync + 'static> Default for Registry<S> {
    fn default() -> Self {
        Self::new()
    }
}
