//! [`RawHandle`]: a handle's integer, without its kind.

use std::num::NonZeroUsize;

/// The integer of a handle, for the parts of the crate that serve all kinds of tables.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct RawHandle(NonZeroUsize);

impl RawHandle {
    #[inline]
    pub(crate) const fn new(integer: NonZeroUsize) -> Self {
        Self(integer)
    }

    #[inline]
    pub(crate) const fn get(self) -> NonZeroUsize {
        self.0
    }

    #[inline]
    pub(crate) const fn bits(self) -> usize {
        self.0.get()
    }
}
