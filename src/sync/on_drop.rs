//! [`OnDrop`]: a closure for the end of a scope.

use std::mem;

/// Calls its closure when it is dropped, whether its scope ends normally or by a panic.
pub(crate) struct OnDrop<F: FnMut()>(pub(crate) F);

impl<F: FnMut()> OnDrop<F> {
    /// Forgets the closure, which is then never called.
    pub(crate) fn disarm(self) {
        mem::forget(self);
    }
}

impl<F: FnMut()> Drop for OnDrop<F> {
    #[inline]
    fn drop(&mut self) {
        (self.0)();
    }
}
