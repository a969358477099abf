//! Edge "lease": shards, and who owns them.

use std::sync::Arc;

use super::super::lease::Leases;
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
