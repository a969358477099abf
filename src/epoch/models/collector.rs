//! Edge "collector": readers without a record, and the clock of crossbeam's grace periods.

use std::sync::Arc;

use crossbeam_epoch::LocalHandle;
use loom::thread;

use super::{
    super::{
        clock::Clock, collector::Outsiders, guard::in_signal, outsider::advance_collector,
        world::world,
    },
    finish, no_leases, pin, prepare, spawn, Value, FENCED,
};
use crate::loom_models::{check_at, check_with};

/// Fails if `Outsiders::enter` loses its fence, or `leave` its Release, or `are_in_the_way` its
/// Acquire. It leaves crossbeam-epoch out, whose pins have fences too.
#[test]
fn an_outsider_is_seen_or_sees_the_unlink() {
    check_with(FENCED, 3, || {
        let value = Value::new();
        let deleter = thread::spawn({
            let value = Arc::clone(&value);
            move || value.delete_unread()
        });
        let world = world();
        world.outsiders.enter();
        value.find();
        world.outsiders.leave();
        deleter.join().unwrap();
    });
}

/// Fails if `Outsiders::enter_signal` loses its fence, or `leave_signal` its Release, or
/// `are_in_the_way` its Acquire.
#[test]
fn a_signal_handler_is_seen_or_sees_the_unlink() {
    check_with(FENCED, 3, || {
        let value = Value::new();
        let deleter = thread::spawn({
            let value = Arc::clone(&value);
            move || value.delete_unread()
        });
        in_signal(|_| value.find());
        deleter.join().unwrap();
    });
}

/// Fails if `Outsiders::collector` loses its Release, or either Acquire, or its compare-exchange.
#[test]
fn a_collector_is_made_once() {
    check_at(3, || {
        let outsiders = Arc::new(Outsiders::new());
        let collector = |outsiders: &Outsiders| {
            let collector = outsiders.collector();
            std::hint::black_box(collector.register());
            std::ptr::from_ref(collector).addr()
        };
        let other = thread::spawn({
            let outsiders = Arc::clone(&outsiders);
            move || collector(&outsiders)
        });
        let mine = collector(&outsiders);
        assert_eq!(mine, other.join().unwrap());
    });
}

/// Fails if `Clock::end` loses its Release, or `is_over` its Acquire: a third thread ends the grace
/// period, and the thread that waits for it doesn't happen after the reader. The reader unpins in
/// the middle of the last step, behind the fence with which crossbeam begins it.
#[test]
fn an_outsiders_grace_period_ends_after_its_readers() {
    check_at(2, || {
        let value = Value::new();
        prepare(no_leases);
        // Keeps the epoch back, so that the reader has that of the grace period.
        let guard = prepare(pin);
        let reader = spawn({
            let value = Arc::clone(&value);
            move || {
                let guard = prepare(pin);
                read_twice(&value);
                drop(guard);
            }
        });
        thread::yield_now();
        value.unlink();
        let clock = &world().outsiders.clock;
        let ticket = clock.ticket();
        prepare(|| {
            advance_collector();
            drop(guard);
            advance_times(STEPS - 2);
        });
        let other = spawn(advance_collector);
        thread::yield_now();
        if clock.is_over(ticket) {
            value.end();
        }
        finish([reader, other]);
    });
}

/// Fails if `Clock::begin` loses its compare-exchange: two threads begin one grace period, and the
/// clock counts its end twice, so that it looks as if one were under way for ever.
#[test]
fn a_grace_period_is_begun_once() {
    check_at(3, || {
        let clock = Arc::new(Clock::new());
        let other = thread::spawn({
            let clock = Arc::clone(&clock);
            move || clock.begin()
        });
        let mine = clock.begin();
        assert!(mine != other.join().unwrap());
    });
}

/// Fails if `Clock::ticket` loses its fence, or is for the grace period that is under way: that one
/// began before the unlink, and may end while a reader that has pinned since still reads.
#[test]
fn a_ticket_is_for_a_grace_period_that_begins_later() {
    check_at(2, || {
        let value = Value::new();
        prepare(no_leases);
        let reader = spawn({
            let value = Arc::clone(&value);
            move || {
                // For the steps, which are none without a reader.
                let counted = world();
                counted.outsiders.enter();
                prepare(|| advance_times(STEPS - 1));
                let guard = pin();
                read_twice(&value);
                drop(guard);
                counted.outsiders.leave();
            }
        });
        value.unlink();
        let clock = &world().outsiders.clock;
        let ticket = clock.ticket();
        advance_collector();
        if clock.is_over(ticket) {
            value.end();
        }
        finish([reader]);
    });
}

/// Fails if `OutsiderGuard::repin` loses its fence: the epoch that it announces is younger than the
/// grace period, and yet it doesn't see the unlink.
#[test]
fn repin_protects_what_an_outsider_finds_after_it() {
    check_at(2, || {
        let value = Value::new();
        prepare(no_leases);
        let reader = spawn({
            let value = Arc::clone(&value);
            move || {
                let mut guard = prepare(pin);
                for _ in 0..STEPS - 1 {
                    thread::yield_now();
                    guard.repin();
                }
                read_twice(&value);
                drop(guard);
            }
        });
        thread::yield_now();
        value.unlink();
        let clock = &world().outsiders.clock;
        let ticket = clock.ticket();
        for _ in 0..STEPS {
            advance_collector();
            thread::yield_now();
        }
        if clock.is_over(ticket) {
            value.end();
        }
        finish([reader]);
    });
}

/// Fails if the fence of `OutsiderGuard::repin` is weaker than SeqCst. Another thread advances the
/// epoch, and is late: the grace period begins between its look at the readers and its store of the
/// next epoch, in the last one. `repin` announces the next.
#[test]
fn repin_is_ordered_with_a_late_advance() {
    check_at(3, || {
        let value = Value::new();
        prepare(no_leases);
        let reader = spawn({
            let value = Arc::clone(&value);
            move || {
                // In the epoch before the last, which the late thread does not see.
                let mut guard = pin();
                thread::yield_now();
                guard.repin();
                read_twice(&value);
                prepare(|| drop(guard));
            }
        });
        let late = spawn(|| {
            let participant = prepare(join_collector);
            // The first pin of each participant advances the epoch.
            let guard = participant.pin();
            prepare(|| drop((guard, participant)));
        });
        thread::yield_now();
        prepare(|| drop(join_collector().pin()));
        thread::yield_now();
        let clock = &world().outsiders.clock;
        let ticket = prepare(|| {
            value.unlink();
            let ticket = clock.ticket();
            advance_collector();
            ticket
        });
        thread::yield_now();
        prepare(advance_collector);
        if clock.is_over(ticket) {
            value.end();
        }
        finish([reader, late]);
    });
}

fn join_collector() -> LocalHandle {
    world().outsiders.collector().register()
}

/// So many steps begin a grace period and end it, if no reader is in the way.
const STEPS: usize = 3;

/// Finds the value, and reads it once more after other threads have run.
fn read_twice(value: &Value) {
    if value.find() {
        thread::yield_now();
        value.read();
    }
}

fn advance_times(steps: usize) {
    (0..steps).for_each(|_| advance_collector());
}
