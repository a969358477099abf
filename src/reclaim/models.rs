//! Batches that have come through their grace period.

use std::sync::Arc;

use super::{Batch, SealedBatches, SlotList};
use crate::{
    epoch::Ticket,
    loom_models::{check, index, spawn},
};

fn batch(number: usize) -> Box<Batch> {
    let slots = SlotList { first: index(number), len: 1, reusable_in_place: false };
    Batch::new(slots, Ticket::past())
}

/// Edge "grace". Fails if `SealedBatches::push` loses its Release or its compare-exchange, or
/// `SealedBatches::take` its Acquire or its swap: a batch is lost, taken twice, or taken before it
/// is linked.
#[test]
fn a_batch_is_taken_exactly_once() {
    check(|| {
        let sealed = Arc::new(SealedBatches::new());
        let others = [0, 1].map(|number| {
            spawn(&sealed, move |sealed| {
                sealed.add(batch(number));
                sealed.take(9).count()
            })
        });
        sealed.add(batch(2));
        let taken = sealed.take(1).count();
        let taken = others.map(|other| other.join().unwrap()).iter().sum::<usize>() + taken;
        assert_eq!(taken + sealed.take(9).count(), 3);
    });
}
