//! Edge "grace": tickets.

use std::sync::Arc;

use loom::thread;

use super::{
    super::{grace::Grace, ticket::advance, Ticket},
    finish, look_up, no_leases, prepare, register, spawn, Value, FENCED, LIGHT,
};
use crate::{loom_models::check_with, sync::Barriers};

fn ticket_against_reader(barriers: Barriers) {
    check_with(barriers, 3, || {
        let value = Value::new();
        register();
        let deleter = spawn({
            let value = Arc::clone(&value);
            move || {
                value.unlink();
                if Ticket::take().try_advance() {
                    value.end();
                }
            }
        });
        look_up(&value);
        finish([deleter]);
    });
}

/// Fails if `Eras::next_era` loses its Release, or `now` its Acquire: a reader of the new era is
/// not waited for, and must see the unlink.
#[test]
fn a_reader_of_a_new_era_sees_what_was_unlinked_before_it() {
    ticket_against_reader(LIGHT);
}

/// Fails if `advance` raises what is over past a reader's era.
#[test]
fn a_ticket_is_over_only_after_its_readers() {
    ticket_against_reader(FENCED);
}

/// Fails if `Grace::raise` loses its Release or `over` its Acquire, or `Eras::next_era` its
/// Release: a thread that took no ticket advances.
#[test]
fn a_ticket_covers_what_another_thread_advances() {
    check_with(FENCED, 2, || {
        let value = Value::new();
        register();
        let deleter = spawn({
            let value = Arc::clone(&value);
            move || {
                value.unlink();
                let ticket = Ticket::take();
                loom::thread::yield_now();
                if ticket.is_over() {
                    value.end();
                }
            }
        });
        let other = spawn(advance);
        look_up(&value);
        finish([deleter, other]);
    });
}

/// Fails if the count of sixteenths loses its Release or its Acquire: a thread that sees the count
/// may see an old era.
#[test]
fn a_ticket_that_is_long_over_comes_after_its_readers() {
    check_with(FENCED, 3, || {
        let (grace, value) = (Arc::new(Grace::new()), Value::new());
        let other = thread::spawn({
            let (grace, value) = (Arc::clone(&grace), Arc::clone(&value));
            move || {
                value.holds.take(0);
                grace.raise(6 << (usize::BITS - 4));
            }
        });
        if grace.is_over(1 << 10, 0) {
            value.holds.give(0);
        }
        other.join().unwrap();
    });
}

/// Fails if `advance` raises what is over although an outsider reads, or for a ticket of the clock
/// that is not over.
#[test]
fn a_ticket_waits_for_outsiders_too() {
    check_with(FENCED, 2, || {
        let value = Value::new();
        prepare(no_leases);
        let deleter = spawn({
            let value = Arc::clone(&value);
            move || {
                value.unlink();
                let ticket = Ticket::take();
                if ticket.try_advance() || ticket.try_advance() {
                    value.end();
                }
            }
        });
        look_up(&value);
        finish([deleter]);
    });
}
