//! What comes back from a grace period: batches, and the word that it is over.

use std::sync::Arc;

use loom::{
    sync::{
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc,
    },
    thread,
};

use super::{check, check_at, index, spawn, Holds};
use crate::{
    batch::{Batch, Run},
    reclaim::{Grace, ReadyLists},
    thread::pin,
};

fn batch(number: usize) -> Box<Batch> {
    let run = Run {
        first: index(number),
        len: 1,
        is_whole: false,
    };
    Batch::new(run, 0)
}

/// "grace", `ReadyLists::deliver` or `take` without Release, Acquire, exchange or swap: a batch is
/// lost, taken twice, or taken before it is linked.
#[test]
fn a_batch_is_lost_or_taken_twice() {
    check(|| {
        let ready = Arc::new(ReadyLists::new(1));
        let others = [0, 1].map(|number| {
            spawn(&ready, move |ready| {
                ready.deliver(batch(number));
                ready.take(0).count()
            })
        });
        ready.deliver(batch(2));
        let taken = ready.take(0).count();
        let taken = others
            .map(|other| other.join().unwrap())
            .iter()
            .sum::<usize>()
            + taken;
        assert_eq!(taken + ready.take(0).count(), 3);
    });
}

/// "grace", what `Grace` promises by itself, without Release or Acquire: a third thread ends the grace
/// period, and the one who waits for it does not come after the reader.
#[test]
fn a_grace_period_ends_before_its_reader() {
    check_at(2, || {
        let shared = Arc::new((AtomicBool::new(false), Holds::<1>::new(0)));
        let (end, ended) = mpsc::channel();
        // A first pin is different: it helps the epoch on.
        drop(pin());
        let reader = spawn(&shared, move |(gone, holds)| {
            // In one go: what matters is where its look comes.
            loom::stop_exploring();
            drop(pin());
            let guard = pin();
            loom::explore();
            if !gone.load(Relaxed) {
                holds.look(0);
            }
            drop(guard);
            ended.recv().unwrap();
        });
        let bystander = spawn(&shared, |_| {
            drop(pin());
            loom::skip_branch();
        });
        shared.0.store(true, Relaxed);
        let grace = Grace::start();
        thread::yield_now();
        if grace.is_over() {
            shared.1.take(0);
        }
        // The ends of threads have models of their own.
        loom::skip_branch();
        end.send(()).unwrap();
        reader.join().unwrap();
        bystander.join().unwrap();
        for _ in 0..6 {
            thread::yield_now();
        }
    });
}
