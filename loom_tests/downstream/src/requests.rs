//! Requests to a C library that answers each of them once, by a callback on a thread of its own: or
//! so it says.

use std::{ffi::c_void, fmt};

use handle_table::{CallError, Handle, HandleError, OnceTable};

/// What is to be done with the answer.
type Reply<A> = Box<dyn FnOnce(A) + Send>;

/// The requests that wait for an answer.
pub struct Requests<A> {
    replies: OnceTable<Reply<A>>,
}

impl<A: 'static> Requests<A> {
    /// No request.
    pub fn new() -> Self {
        Self { replies: OnceTable::new() }
    }

    /// Begins a request. Returns what to pass to C as `user_data`.
    pub fn begin(&self, reply: impl FnOnce(A) + Send + 'static) -> *mut c_void {
        self.replies.insert(Box::new(reply)).to_ptr()
    }

    /// C calls this when it has the answer.
    ///
    /// # Errors
    ///
    /// If there was an answer before, or the request was cancelled.
    pub fn answer(&self, user_data: *mut c_void, answer: A) -> Result<(), CallError> {
        self.replies.call_once(user_data, |reply| reply(answer))
    }

    /// Gives a request up: it gets no answer any more, and what its reply owns is dropped.
    ///
    /// # Errors
    ///
    /// If there was an answer before, or the request was cancelled.
    pub fn cancel(&self, user_data: *mut c_void) -> Result<(), HandleError> {
        self.replies.remove(Handle::from_ptr(user_data)?)
    }
}

impl<A: 'static> Default for Requests<A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A> fmt::Debug for Requests<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Requests").field("waiting", &self.replies.len()).finish()
    }
}
