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
    grace::{advance, Ticket},
    lease::Leases,
    pin,
};
use crate::{
    config::MAX_SHARDS,
    loom_models::{check, check_at, spawn, Holds},
};

/// Edge "grace". Fails if the clock's step at the end of a grace period loses its Release, or
/// `Ticket::is_over` its Acquire: a third thread ends the grace period, and the thread that waits
/// for it doesn't happen after the reader.
#[test]
fn a_grace_period_ends_after_its_readers() {
    check_at(2, || {
        let shared = Arc::new((AtomicBool::new(false), Holds::<1>::new(0)));
        let (end, ended) = mpsc::channel();
        // A thread's first pin tries to advance the epoch.
        drop(pin());
        let reader = spawn(&shared, move |(gone, holds)| {
            // Without preemption: only the place of its look matters.
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
        advance();
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

/// Edge "grace". Fails if `begin_grace_period` loses its compare-exchange: two threads begin one
/// grace period, and the clock counts its end twice, so that it looks as if one were under way for
/// ever.
#[test]
fn a_grace_period_is_begun_once() {
    check_at(2, || {
        let others = [0, 1].map(|_| {
            thread::spawn(|| {
                loom::stop_exploring();
                drop(pin());
                loom::explore();
                advance();
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
        assert!(Ticket::take().advance_patiently(), "no grace period can begin any more");
    });
}

/// Edge "grace". Fails if `Ticket::take` loses its fence, or if the ticket is for the grace period
/// that is under way: that one began before the caller's deletes, and may end while a reader that
/// has pinned since still reads.
#[test]
fn a_ticket_waits_for_a_grace_period_that_begins_later() {
    check(|| {
        let shared = Arc::new((AtomicBool::new(false), Holds::<1>::new(0)));
        let (end, ended) = mpsc::channel();
        drop(pin());
        let reader = spawn(&shared, move |(gone, holds)| {
            drop(pin());
            // Begins a grace period that is too early for the ticket. This reader pins after that,
            // so it isn't waited for.
            advance();
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
        advance();
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
