//! The try-lock, from thread to thread.

use std::sync::Arc;

use super::try_lock::TryLock;
use crate::loom_models::{check, spawn, Holds};

/// Edge "lock". Fails if `TryLock::try_with` loses its swap, its Acquire or its Release: two
/// threads have the value at once, or the second doesn't happen after the first.
#[test]
fn a_try_lock_admits_one_thread_at_a_time() {
    check(|| {
        let shared = Arc::new(TryLock::new(Holds::<1>::new(0)));
        let hold = |shared: &TryLock<Holds<1>>| {
            shared.try_with(|holds| {
                holds.take(0);
                loom::thread::yield_now();
                holds.give(0);
            })
        };
        let others = [0; 2].map(|_| spawn(&shared, hold));
        hold(&shared);
        for other in others {
            other.join().unwrap();
        }
    });
}
