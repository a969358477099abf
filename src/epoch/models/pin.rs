//! Edge "pin": readers with a record, against a deleter.

use std::sync::Arc;

use loom::thread;

use super::{
    super::world::world, end, finish, look_up, no_leases, pin, prepare, register, spawn, Value,
    FENCED, LIGHT,
};
use crate::{loom_models::check_with, sync::Barriers};

fn pin_against_scan(barriers: Barriers) {
    check_with(barriers, 3, || {
        let value = Value::new();
        register();
        let deleter = spawn({
            let value = Arc::clone(&value);
            move || {
                value.delete();
            }
        });
        look_up(&value);
        finish([deleter]);
        assert!(value.is_dropped());
    });
}

/// Fails if `Record::pin` loses its light barrier, or `Eras::scan` its heavy one; or if a pin loads
/// the era before it stores its word.
#[test]
fn a_scan_sees_a_reader_or_the_reader_sees_the_unlink() {
    pin_against_scan(LIGHT);
}

/// Fails if `Record::pin_in` or `Eras::scan` loses its fence, or a word its Release, or the scan
/// its Acquire.
#[test]
fn a_fenced_scan_sees_a_reader_or_the_reader_sees_the_unlink() {
    pin_against_scan(FENCED);
}

/// Fails if `World::is_alone` loses its Acquire.
#[test]
fn a_deleter_that_is_alone_comes_after_ended_readers() {
    check_with(LIGHT, 3, || {
        let value = Value::new();
        register();
        let reader = thread::spawn({
            let value = Arc::clone(&value);
            move || {
                register();
                look_up(&value);
            }
        });
        value.delete();
        end(reader);
        assert!(value.is_dropped());
    });
}

/// Fails if the count of drops of threads without a lease loses its Release or its Acquire.
#[test]
fn a_thread_that_finds_no_drop_comes_after_those_that_ended() {
    check_with(FENCED, 3, || {
        let value = Value::new();
        world().left.begin_drop_outside();
        let other = thread::spawn({
            let value = Arc::clone(&value);
            move || {
                value.end();
                world().left.end_drop_outside();
            }
        });
        if world().left.drops_outside() == 0 {
            value.holds.give(0);
        }
        other.join().unwrap();
    });
}

/// Fails if `World::give_back` loses its Release. It leaves out the fence of `Record::show_words`.
#[test]
fn a_deleter_that_is_alone_comes_after_returned_leases() {
    check_with(LIGHT, 3, || {
        let value = Value::new();
        register();
        let reader = thread::spawn({
            let value = Arc::clone(&value);
            move || {
                let world = world();
                let Some(number) = prepare(|| world.claim(|| ())) else { unreachable!() };
                let record = &world.records[number];
                record.pin(&world.eras);
                value.find();
                record.unpin(&world.eras);
                world.give_back(number, true);
            }
        });
        value.delete_unread();
        reader.join().unwrap();
    });
}

/// Fails if `World::claim` loses its fence.
#[test]
fn a_new_record_is_seen_or_sees_the_unlink() {
    check_with(LIGHT, 3, || {
        let value = Value::new();
        register();
        let reader = thread::spawn({
            let value = Arc::clone(&value);
            move || {
                // The first is behind the fence of the claim, the second behind its own barrier.
                look_up(&value);
                look_up(&value);
                loom::skip_branch();
            }
        });
        value.delete();
        end(reader);
        assert!(value.is_dropped());
    });
}

/// Fails if `World::claim` does not count the lease: a deleter without one takes itself for alone,
/// and makes no barrier.
#[test]
fn a_deleter_without_a_record_is_not_alone() {
    check_with(LIGHT, 3, || {
        let value = Value::new();
        register();
        prepare(no_leases);
        let deleter = spawn({
            let value = Arc::clone(&value);
            move || {
                value.delete();
            }
        });
        look_up(&value);
        finish([deleter]);
        assert!(value.is_dropped());
    });
}

/// Fails if a nested pin or its end changes more than the number of guards.
#[test]
fn a_nested_pin_keeps_the_outer_era() {
    check_with(LIGHT, 2, || {
        let value = Value::new();
        register();
        let deleter = spawn({
            let value = Arc::clone(&value);
            move || {
                value.delete();
            }
        });
        let outer = pin();
        let found = value.find();
        drop(pin());
        if found {
            value.read();
        }
        drop(outer);
        finish([deleter]);
        assert!(value.is_dropped());
    });
}

/// Fails if `Guard::repin` does not look what waits for it, or does not pin again.
#[test]
fn repin_gives_up_one_era_and_protects_the_next() {
    check_with(LIGHT, 3, || {
        let value = Value::new();
        register();
        let deleter = spawn({
            let value = Arc::clone(&value);
            move || {
                value.delete();
            }
        });
        let mut guard = pin();
        guard.repin();
        value.find();
        finish([deleter]);
        guard.repin();
        assert!(value.is_dropped());
        drop(guard);
    });
}

/// Fails if a record keeps a guard of its last owner's, or a lease is handed on before that is
/// done.
#[test]
fn a_lease_is_handed_on_with_its_record() {
    check_with(LIGHT, 2, || {
        let value = Value::new();
        register();
        let first = thread::spawn({
            let value = Arc::clone(&value);
            move || {
                register();
                look_up(&value);
            }
        });
        let second = spawn({
            let value = Arc::clone(&value);
            move || look_up(&value)
        });
        value.delete();
        end(first);
        finish([second]);
        assert!(value.is_dropped());
    });
}
