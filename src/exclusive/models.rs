//! Borrowers of one value, on several threads.

use std::sync::Arc;

use super::Exclusive;
use crate::loom_models::{check, spawn, Holds};

/// Edge "exclusive". Fails if `Flag::try_set` loses its compare-exchange or its Acquire, if the end
/// of a `Borrow` loses its Release or its store, or if the value is touched before the flag is set:
/// two threads have the value at once, the second doesn't happen after the first, or nobody gets it
/// any more.
#[test]
fn a_value_has_one_borrower_at_a_time() {
    check(|| {
        let shared = Arc::new(Exclusive::new(Holds::<1>::new(0)));
        let borrow = |shared: &Exclusive<Holds<1>>| {
            if let Some(holds) = shared.try_borrow_mut() {
                holds.take(0);
                loom::thread::yield_now();
                holds.give(0);
            }
        };
        let others = [0; 2].map(|_| spawn(&shared, borrow));
        borrow(&shared);
        for other in others {
            other.join().unwrap();
        }
        assert!(shared.try_borrow_mut().is_some(), "all borrows have ended");
    });
}

/// Edge "exclusive". Fails if a borrower doesn't see what the last one has written: changes are
/// lost.
#[test]
fn a_borrower_sees_what_the_last_one_wrote() {
    check(|| {
        let shared = Arc::new(Exclusive::new(0));
        let count = |shared: &Exclusive<usize>| match shared.try_borrow_mut() {
            Some(mut sum) => {
                let before = *sum;
                loom::thread::yield_now();
                *sum = before + 1;
                1
            }
            None => 0,
        };
        let others = [0; 2].map(|_| spawn(&shared, count));
        let counted = count(&shared);
        let counted = others.map(|other| other.join().unwrap()).iter().sum::<usize>() + counted;
        let shared = Arc::into_inner(shared).expect("the other threads have ended");
        assert_eq!(shared.into_inner(), counted);
    });
}
