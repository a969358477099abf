//! [`OnDrop`]: a closure for the end of a scope.

/// Calls its closure when it is dropped, whether its scope ends normally or by a panic.
pub(crate) struct OnDrop<F: FnMut()>(pub(crate) F);

impl<F: FnMut()> Drop for OnDrop<F> {
    #[inline]
    fn drop(&mut self) {
        (self.0)();
    }
}
