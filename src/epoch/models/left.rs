//! Edge "left": what any thread may take up is taken up by the next call of one.

use std::sync::Arc;

use loom::thread;

use super::{
    super::{
        guard::in_signal,
        retired::RetiredList,
        turn::{help, retire, take_turn},
        world::world,
    },
    finish, prepare, register, spawn, RetiredValue, Value, FENCED,
};
use crate::loom_models::check_with;

fn leave(value: &Arc<Value>) {
    let mut list = RetiredList::EMPTY;
    list.push(value.owned());
    world().leave(list);
}

/// Fails if `World::take_left` does not set the flag again for what it has put back.
#[test]
fn what_is_put_back_is_never_forgotten() {
    check_with(FENCED, 3, || {
        let values = [0; 2].map(|_| Value::new());
        prepare(|| values.iter().for_each(leave));
        // Without a lease, since a pin would take it all up.
        let others = [0; 2].map(|_| thread::spawn(|| _ = world().take_left().map(drop_it)));
        others.into_iter().for_each(|other| other.join().unwrap());
        help();
        assert!(values.iter().all(|value| value.is_dropped()), "one was forgotten");
    });
}

/// Fails if `World::leave` or `take_left` loses its fence.
#[test]
fn what_is_left_is_never_forgotten() {
    check_with(FENCED, 3, || {
        let values = [0; 3].map(|_| Value::new());
        register();
        prepare(|| values[..2].iter().for_each(leave));
        let others = [0; 2].map(|_| spawn(|| _ = world().take_left().map(drop_it)));
        leave(&values[2]);
        finish(others);
        help();
        assert!(values.iter().all(|value| value.is_dropped()), "one was forgotten");
    });
}

/// Fails if the end of a turn loses its fence, or `World::leave` its own, or a call doesn't look at
/// its end whether somebody will come to what is left: it stays there, although nobody reads.
#[test]
fn what_is_left_has_a_thread_that_comes_to_it() {
    check_with(FENCED, 3, || {
        let values = [0; 3].map(|_| Value::new());
        register();
        prepare(|| leave(&values[0]));
        let other = spawn(|| take_turn(RetiredList::EMPTY));
        values[1..].iter().for_each(leave);
        help();
        finish([other]);
        assert!(values.iter().all(|value| value.is_dropped()), "one was left to nobody");
    });
}

/// Fails if both of two threads in their turns leave the rest to the other.
#[test]
fn two_threads_in_their_turns_drop_all() {
    check_with(FENCED, 3, || {
        let values = [0; 3].map(|_| Value::new());
        register();
        prepare(|| values.iter().for_each(leave));
        let other = spawn(|| take_turn(RetiredList::EMPTY));
        take_turn(RetiredList::EMPTY);
        finish([other]);
        assert!(values.iter().all(|value| value.is_dropped()), "one was left to nobody");
    });
}

fn drop_it(one: super::super::retired::Owned) {
    // SAFETY: nobody reads.
    unsafe { one.drop_one() };
}

/// Fails if `Outsiders::leave_signal` loses its fence, or doesn't set the flag, or `take_left` does
/// not look at what is parked there after it has cleared the flag.
#[test]
fn what_a_signal_handler_leaves_is_found() {
    check_with(FENCED, 3, || {
        let value = Value::new();
        register();
        let deleter = spawn({
            let value = Arc::clone(&value);
            move || {
                value.unlink();
                // SAFETY: made here.
                unsafe { retire(RetiredValue::leak(&value)) };
            }
        });
        let helper = spawn(|| {
            // Begins with the flag set.
            world().eras.set_left();
            help();
        });
        in_signal(|_| value.find());
        finish([deleter, helper]);
        help();
        assert!(value.is_dropped(), "it was forgotten");
    });
}
