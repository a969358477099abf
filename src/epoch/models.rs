//! The word that a grace period is over; and leases.

use std::sync::Arc;

use loom::{
    sync::{
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc,
    },
    thread,
};

use super::{
    grace::{step, Ticket},
    lease::Leases,
    pin,
};
use crate::{
    config::MAX_SHARDS,
    model::{check, check_at, spawn, Holds},
};

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
        assert!(ticket.advance_patiently());
        assert!(
            Ticket::take().advance_patiently(),
            "none can begin any more"
        );
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

/// "lease", `Leases::claim` without Acquire or its exchange, `release` without Release or as a load
/// and a store: two threads own the same shard.
#[test]
fn a_lease_is_in_two_hands() {
    check(|| {
        let work = |(leases, holds): &(Leases, Holds<MAX_SHARDS>)| {
            let number = leases.claim().unwrap();
            holds.take(number);
            holds.give(number);
            leases.release(number);
        };
        let shared = Arc::new((Leases::new(), Holds::new(0)));
        let others = [0; 2].map(|_| spawn(&shared, work));
        work(&shared);
        others.into_iter().for_each(|other| other.join().unwrap());
        assert_eq!(shared.0.claim(), Some(0), "all have come back");
    });
}
