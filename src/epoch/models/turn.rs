//! Edge "turn": who drops a value that readers were in the way of.

use std::sync::Arc;

use loom::{sync::mpsc, thread};

use super::{
    super::{eras::MOST_BEHIND, world::world},
    finish, no_leases, pin, prepare, spawn, Value, FENCED, LIGHT,
};
use crate::{loom_models::check_with, sync::Barriers};

fn deleter_against_last_reader(barriers: Barriers) {
    check_with(barriers, 3, || {
        let value = Value::new();
        let guard = prepare(pin);
        let deleter = spawn({
            let value = Arc::clone(&value);
            move || {
                value.delete();
            }
        });
        value.find();
        drop(guard);
        finish([deleter]);
        assert!(value.is_dropped(), "nobody was left to drop it");
    });
}

/// Fails if an unpin loses its light barrier, or the deleter doesn't look again, or a push its
/// Release, or a take its Acquire.
#[test]
fn a_value_is_dropped_by_its_deleter_or_by_the_last_reader() {
    deleter_against_last_reader(LIGHT);
}

/// Fails if `Record::let_go` loses its fence.
#[test]
fn a_value_is_dropped_by_its_deleter_or_by_the_last_fenced_reader() {
    deleter_against_last_reader(FENCED);
}

/// Two readers of a value that was parked with the first. `then` is done before the second
/// registers.
fn two_last_readers(barriers: Barriers, then: fn()) {
    check_with(barriers, 3, move || {
        let value = Value::new();
        let (pinned, is_pinned) = mpsc::channel();
        let (go, may_go) = mpsc::channel();
        let guard = prepare(pin);
        prepare(then);
        let second = spawn({
            let value = Arc::clone(&value);
            move || {
                let guard = prepare(pin);
                value.find();
                pinned.send(()).unwrap();
                may_go.recv().unwrap();
                value.read();
                drop(guard);
            }
        });
        is_pinned.recv().unwrap();
        value.find();
        assert!(!prepare(|| value.delete()));
        go.send(()).unwrap();
        drop(guard);
        finish([second]);
        assert!(value.is_dropped(), "nobody was left to drop it");
    });
}

/// Fails if the thread that parks it with the second reader doesn't look again.
#[test]
fn of_two_readers_that_leave_together_one_drops_the_value() {
    two_last_readers(LIGHT, || ());
}

/// The same in fenced mode.
#[test]
fn of_two_fenced_readers_that_leave_together_one_drops_the_value() {
    two_last_readers(FENCED, || ());
}

/// Fails if a value that is unread by records is dropped although an outsider reads it.
#[test]
fn a_value_waits_for_a_record_and_for_an_outsider() {
    two_last_readers(FENCED, no_leases);
}

/// Fails if `Record::unpin` does not say that only the guard of `orphan` is left, or that guard is
/// not dropped, or the lease is not returned.
#[test]
fn a_guard_that_outlives_its_thread_is_waited_for() {
    check_with(LIGHT, 3, || {
        let value = Value::new();
        let guard = prepare(pin);
        let deleter = spawn({
            let value = Arc::clone(&value);
            move || {
                value.delete();
            }
        });
        let world = world();
        // As the destructor of the thread's registration does, before that of the guard.
        world.records[0].orphan(&world.eras);
        value.find();
        drop(guard);
        finish([deleter]);
        assert!(value.is_dropped(), "nobody was left to drop it");
        assert_eq!(world.leases.claim(), Some(0), "its lease is free");
    });
}

/// Fails if `Outsiders::leave` loses its fence, or the last outsider doesn't look.
#[test]
fn a_value_is_dropped_by_its_deleter_or_by_the_last_outsider() {
    check_with(LIGHT, 2, || {
        let value = Value::new();
        prepare(no_leases);
        let guard = prepare(pin);
        let deleter = spawn({
            let value = Arc::clone(&value);
            move || {
                value.delete();
            }
        });
        value.find();
        drop(guard);
        finish([deleter]);
        assert!(value.is_dropped(), "nobody was left to drop it");
    });
}

/// Fails if `settle` does not advance: the value waits for every reader that pins before an era
/// begins, and none does. One schedule: what matters is the eras.
#[test]
fn a_value_moves_on_twice_at_most_once_an_era_can_begin() {
    check_with(FENCED, 1, || {
        prepare(|| {
            let value = Value::new();
            let ((tell, told), (say, said)) = (mpsc::channel::<()>(), mpsc::channel());
            let other = thread::spawn(move || {
                for _ in 0..2 {
                    told.recv().unwrap();
                    let guard = pin();
                    say.send(()).unwrap();
                    told.recv().unwrap();
                    drop(guard);
                    say.send(()).unwrap();
                }
            });
            let go_on = || {
                tell.send(()).unwrap();
                said.recv().unwrap();
            };
            let old = pin();
            let world = world();
            while world.eras.now().era() <= MOST_BEHIND {
                world.eras.begin_era(world.eras.now().era());
            }
            value.delete();
            go_on();
            drop(old);
            let mine = pin();
            go_on();
            assert!(!value.is_dropped());
            go_on();
            drop(mine);
            assert!(value.is_dropped(), "it waits for a reader that came later");
            go_on();
            other.join().unwrap();
        });
    });
}
