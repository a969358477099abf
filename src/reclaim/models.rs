//! Batches: from the threads that add them to the one that takes them.

use std::sync::Arc;

use super::{Batch, BatchList, BatchStack, SealedBatches, SlotList};
use crate::{
    epoch::Ticket,
    loom_models::{check, index, spawn},
    slots::Index,
};

fn batch(number: usize) -> Box<Batch> {
    let slots = SlotList { first: index(number), len: 1, reusable_in_place: false };
    Batch::new(slots, Ticket::past())
}

fn firsts(batches: BatchList) -> Vec<Index> {
    batches.map(|batch| batch.slots().first).collect()
}

/// Edge "recycle". Fails if `BatchStack::push` loses its Release, its link or its compare-exchange,
/// or `BatchStack::take` its Acquire or its swap: a batch is lost, taken twice, or taken before it
/// is linked.
#[test]
fn a_spare_batch_is_taken_exactly_once() {
    check(|| {
        let stack = Arc::new(BatchStack::new());
        let others = [0, 1].map(|number| {
            spawn(&stack, move |stack| {
                stack.push(batch(number));
                stack.take().count()
            })
        });
        stack.push(batch(2));
        let taken = stack.take().count();
        let taken = others.map(|other| other.join().unwrap()).iter().sum::<usize>() + taken;
        assert_eq!(taken + stack.take().count(), 3);
    });
}

/// Edge "recycle". Fails if `BatchStack::put_back` becomes a store, or forgets the list when
/// another thread has pushed meanwhile: batches are lost, or taken by a thread that can't see them
/// linked.
#[test]
fn taking_one_batch_leaves_the_others() {
    check(|| {
        let stack = Arc::new(BatchStack::new());
        let push = |stack: &BatchStack| (0..3).for_each(|number| stack.push(batch(number)));
        let pusher = spawn(&stack, push);
        let taker = spawn(&stack, |stack| stack.take_one().into_iter().count());
        let taken = stack.take_one().into_iter().count() + stack.take().count();
        pusher.join().unwrap();
        let taken = taken + taker.join().unwrap();
        assert_eq!(taken + stack.take().count(), 3);
    });
}

/// Edge "recycle". Fails if `SealedBatches::take` loses what it has found in its queue, or takes a
/// batch from there without removing it. `parts::a_try_lock_admits_one_thread_at_a_time` and
/// `parts::a_spare_batch_is_taken_exactly_once` prove the parts.
#[test]
fn a_sealed_batch_is_taken_exactly_once() {
    check(|| {
        let sealed = Arc::new(SealedBatches::new());
        let other = spawn(&sealed, |sealed| {
            sealed.add(batch(0));
            sealed.take(9).count()
        });
        sealed.add(batch(1));
        sealed.add(batch(2));
        let taken = sealed.take(1).count() + sealed.take(1).count();
        let taken = taken + other.join().unwrap();
        assert_eq!(taken + sealed.take(9).count(), 3);
        assert_eq!(sealed.waiting(), 0);
    });
}

/// Fails if `SealedBatches::take` goes to the stack although its queue has batches left, or doesn't
/// reverse what it finds there: a batch waits behind younger ones.
#[test]
fn the_oldest_sealed_batch_is_taken_first() {
    check(|| {
        let sealed = Arc::new(SealedBatches::new());
        let adder = spawn(&sealed, |sealed| [0, 1, 2].map(batch).map(|batch| sealed.add(batch)));
        let mut taken = firsts(sealed.take(1));
        taken.extend(firsts(sealed.take(2)));
        adder.join().unwrap();
        taken.extend(firsts(sealed.take(9)));
        assert_eq!(taken, [0, 1, 2].map(index));
    });
}
