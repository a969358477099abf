//! The end of a thread whose first use of a table comes late: in the destructor of a key of the
//! system, as C libraries make them. Those of thread-locals, which end a registration otherwise,
//! have been run by then on many systems, and are not run again.
//!
//! So a thread that registers sets a key of this crate, too. The system runs the destructors of
//! keys in rounds, four at least: also of those that were set in a round. A registration that ends
//! before clears the key.
//!
//! - **Algorithm**: one key for the process, made by the first thread that registers.
//! - **Collision**: the loser of the compare-exchange deletes the key that it has made.
//! - **ABA**: none, since a key that was shown is never deleted.
//! - **Orderings**: edge "lease".

use crate::sync::{AtomicUsize, Ordering};

/// A key, made once.
#[allow(dead_code)] // Other systems than unix have none.
pub(super) struct ExitKey {
    /// Its number plus one; zero: there is none yet.
    number: AtomicUsize,
}

#[allow(dead_code)]
impl ExitKey {
    crate::sync::const_unless_loom! {
        pub(super) const fn new() -> Self {
            Self { number: AtomicUsize::new(0) }
        }
    }

    fn get(&self) -> Option<usize> {
        // edge: lease. Acquire: the key before its number.
        self.number.load(Ordering::Acquire).checked_sub(1)
    }

    /// The key's number. The first thread makes it; `None` if the system has none left.
    pub(super) fn get_or_make(
        &self,
        make: impl FnOnce() -> Option<usize>,
        delete: impl FnOnce(usize),
    ) -> Option<usize> {
        if let Some(number) = self.get() {
            return Some(number);
        }
        let made = make()?;
        // edge: lease. Release: the key before its number. Acquire: the winner's.
        match self.number.compare_exchange(0, made + 1, Ordering::Release, Ordering::Acquire) {
            Ok(_) => Some(made),
            Err(winner) => {
                delete(made);
                Some(winner - 1)
            }
        }
    }
}

#[cfg(not(loom))]
pub(super) use imp::{clear, set};

#[cfg(all(unix, not(any(loom, miri))))]
mod imp {
    use std::{ffi::c_void, ptr};

    use super::ExitKey;

    static KEY: ExitKey = ExitKey::new();

    /// Has `end` called when the calling thread ends, unless [`clear`] is called before. All
    /// threads pass the same function.
    pub(crate) fn set(end: extern "C" fn(*mut c_void)) {
        let make = || {
            let (mut key, end) = (0, end as unsafe extern "C" fn(*mut c_void));
            // SAFETY: it writes a key.
            let result = unsafe { libc::pthread_key_create(&mut key, Some(end)) };
            (result == 0).then_some(key as usize)
        };
        // SAFETY: no other thread has the key.
        let delete = |key| _ = unsafe { libc::pthread_key_delete(key as libc::pthread_key_t) };
        if let Some(key) = KEY.get_or_make(make, delete) {
            set_to(key, ptr::NonNull::dangling().as_ptr());
        }
    }

    pub(crate) fn clear() {
        if let Some(key) = KEY.get() {
            set_to(key, ptr::null());
        }
    }

    fn set_to(key: usize, value: *const c_void) {
        // SAFETY: the key was made, and nobody deletes it. The system only compares the value.
        unsafe { libc::pthread_setspecific(key as libc::pthread_key_t, value) };
    }
}

#[cfg(not(any(loom, all(unix, not(miri)))))]
mod imp {
    pub(crate) fn set(_: extern "C" fn(*mut std::ffi::c_void)) {}

    pub(crate) fn clear() {}
}
