//! Edge "lease": shards, and who owns them.

use std::sync::Arc;

use super::super::{exit_key::ExitKey, lease::Leases};
use crate::{
    config::MAX_SHARDS,
    loom_models::{check, spawn, Holds},
};

/// Edge "lease". Fails if `Leases::claim` loses its Acquire or its compare-exchange, or if
/// `Leases::give_back` loses its Release or becomes a load and a store: two threads own one shard,
/// or the next owner doesn't happen after the last one.
#[test]
fn a_lease_has_one_owner_at_a_time() {
    check(|| {
        let work = |(leases, holds): &(Leases, Holds<MAX_SHARDS>)| {
            let number = leases.claim().unwrap();
            holds.take(number);
            holds.give(number);
            leases.give_back(number);
        };
        let shared = Arc::new((Leases::new(), Holds::new(0)));
        let others = [0; 2].map(|_| spawn(&shared, work));
        work(&shared);
        others.into_iter().for_each(|other| other.join().unwrap());
        assert_eq!(shared.0.claim(), Some(0), "all leases are released");
    });
}

/// Edge "lease". Fails if `ExitKey::get` loses its Acquire, or `get_or_make` its Release, its
/// Acquire or its compare-exchange: a thread sets a key that it doesn't know to be made, or
/// another one than the other threads.
#[test]
fn a_key_is_made_once() {
    check(|| {
        // Held: not made, or deleted.
        let shared = Arc::new((ExitKey::new(), Holds::<3>::new(3)));
        let work = |nth: usize| {
            move |(key, holds): &(ExitKey, Holds<3>)| {
                let make = || {
                    holds.give(nth);
                    Some(nth)
                };
                let number = key.get_or_make(make, |made| holds.take(made)).unwrap();
                holds.look(number);
                number
            }
        };
        let others = [1, 2].map(|nth| spawn(&shared, work(nth)));
        let number = work(0)(&shared);
        for other in others {
            assert_eq!(other.join().unwrap(), number, "there are two keys");
        }
    });
}
