//! [`Flag`]: whether a value is borrowed.

use std::{fmt, marker::PhantomData, ptr::NonNull};

use crate::sync::{const_unless_loom, AtomicBool, Ordering};

/// Whether a value is borrowed. Nobody waits for it.
pub(super) struct Flag(AtomicBool);

impl Flag {
    const_unless_loom! {
        pub(super) const fn new() -> Self {
            Self(AtomicBool::new(false))
        }
    }

    /// Sets the flag until the [`Borrow`] ends; `None` if it is set already.
    #[inline]
    pub(super) fn try_set(&self) -> Option<Borrow<'_>> {
        // edge: exclusive. Acquire: after what the last borrower did.
        let was = self.0.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed);
        was.is_ok().then(|| Borrow { flag: NonNull::from(self), _flag: PhantomData })
    }
}

/// The flag is set, by this. Its end clears it.
pub(super) struct Borrow<'c> {
    /// A pointer, not a reference: the value and its flag may be gone before the drop of a
    /// [`RefMut`](crate::RefMut) has returned.
    flag: NonNull<Flag>,
    _flag: PhantomData<&'c Flag>,
}

impl Drop for Borrow<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the flag is borrowed for `'c`, or outlives this by the promise of `RefMut`.
        let flag = unsafe { self.flag.as_ref() };
        // edge: exclusive. Release: what this borrower did comes before what the next one does.
        flag.0.store(false, Ordering::Release);
    }
}

impl fmt::Debug for Borrow<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Borrow")
    }
}
