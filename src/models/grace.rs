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
    grace::{step, Ticket},
    sealed::Sealed,
    thread::pin,
};

fn batch(number: usize) -> Box<Batch> {
    let run = Run {
        first: index(number),
        len: 1,
        is_whole: false,
    };
    Batch::new(run, Ticket::past())
}

/// "grace", `Sealed::add` or `take` without Release, Acquire, exchange or swap: a batch is
/// lost, taken twice, or taken before it is linked.
#[test]
fn a_batch_is_lost_or_taken_twice() {
    check(|| {
        let sealed = Arc::new(Sealed::new());
        let others = [0, 1].map(|number| {
            spawn(&sealed, move |sealed| {
                sealed.add(batch(number));
                sealed.take(9).count()
            })
        });
        sealed.add(batch(2));
        let taken = sealed.take(1).count();
        let taken = others
            .map(|other| other.join().unwrap())
            .iter()
            .sum::<usize>()
            + taken;
        assert_eq!(taken + sealed.take(9).count(), 3);
    });
}

/// "grace", the end of a grace period without Release, or `Ticket::is_over` without Acquire: a third thread ends it,
/// and the one who waits for it does not come after the reader.
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
        let ticket = Ticket::take();
        step();
        thread::yield_now();
        if ticket.is_over() {
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

/// "grace", `begin` without its compare-exchange: two begin the same grace period, and it is counted twice.
#[test]
fn two_begin_the_same_grace_period() {
    check_at(2, || {
        let others = [0, 1].map(|_| {
            thread::spawn(|| {
                loom::stop_exploring();
                drop(pin());
                loom::explore();
                step();
                loom::skip_branch();
            })
        });
        drop(pin());
        let ticket = Ticket::take();
        for other in others {
            other.join().unwrap();
        }
        for _ in 0..6 {
            thread::yield_now();
        }
        assert!(ticket.help());
        assert!(Ticket::take().help(), "none can begin any more");
    });
}

/// "grace", `Ticket::take` without its fence, or for the end of the grace period that is under way: that has begun
/// before what the ticket is for, and is over while a reader who came since still looks.
#[test]
fn a_ticket_is_for_a_grace_period_that_began_too_early() {
    check(|| {
        let shared = Arc::new((AtomicBool::new(false), Holds::<1>::new(0)));
        let (end, ended) = mpsc::channel();
        drop(pin());
        let reader = spawn(&shared, move |(gone, holds)| {
            drop(pin());
            // The grace period that is too early begins, and is not waited for by this reader.
            step();
            let guard = pin();
            if !gone.load(Relaxed) {
                holds.look(0);
                thread::yield_now();
            }
            drop(guard);
            ended.recv().unwrap();
        });
        thread::yield_now();
        shared.0.store(true, Relaxed);
        let ticket = Ticket::take();
        step();
        if ticket.is_over() {
            shared.1.take(0);
        }
        loom::skip_branch();
        end.send(()).unwrap();
        reader.join().unwrap();
        for _ in 0..6 {
            thread::yield_now();
        }
    });
}
