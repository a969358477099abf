//! Tests of one binary that would disturb each other.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Lets one test run at a time: all callers wait until the guard of the one before is dropped.
pub(crate) fn serial() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}
