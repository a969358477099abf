//! The anchor's way from hand to hand.

use std::sync::Arc;

use super::TryLock;
use crate::model::{check, spawn, Holds};

/// "anchor": `InOneHand::try_with` without its swap, or without Release or Acquire: two threads have what
/// was to be in one hand, or the second does not come after the first.
#[test]
fn the_anchor_is_in_two_hands() {
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
