//! Edge "mode": switches of modes, against a reader and a deleter.

use std::sync::Arc;

use loom::thread;

use super::{
    super::{eras::Eras, record::Record},
    end, finish, look_up, pin, prepare, register, spawn, Value, LIGHT,
};
use crate::{loom_models::check_with, sync::Barriers};

/// One heavy barrier, for the first thread to make readers light. All later ones are refused.
const REFUSED: Barriers = Barriers::Asymmetric { heavy: 1 };

/// A reader and a deleter, during a switch that begins in a mode.
fn during_a_switch(begin: fn(&Eras), switch: fn(&Eras)) {
    check_with(LIGHT, 3, move || {
        let all = Arc::new((Eras::new(), Record::new(), Value::new()));
        prepare(|| begin(&all.0));
        // Not on the main thread: loom would not run it last.
        let reader = thread::spawn({
            let all = Arc::clone(&all);
            move || {
                let (eras, record, value) = &*all;
                record.pin(eras);
                value.find();
                record.unpin(eras);
            }
        });
        let deleter = thread::spawn({
            let all = Arc::clone(&all);
            move || {
                let (eras, record, value) = &*all;
                value.unlink();
                if !eras.scan(|| false, |_| record.is_in_the_way(None)) {
                    value.end();
                }
            }
        });
        switch(&all.0);
        reader.join().unwrap();
        deleter.join().unwrap();
    });
}

/// Fails if `Eras::make_fenced` makes no barrier, or `end_switch` loses its Release.
#[test]
fn a_reader_is_seen_while_the_mode_becomes_fenced() {
    during_a_switch(Eras::make_light, Eras::make_fenced);
}

/// Fails if `Eras::make_light` makes no barrier, or `end_switch` loses its Release.
#[test]
fn a_reader_sees_the_unlink_while_the_mode_becomes_light() {
    during_a_switch(|_| (), Eras::make_light);
}

/// Fails if a scan takes a record for what it shows although its thread may have pinned without a
/// fence, or if `Record::is_fenced_for_good` loses its Acquire.
#[test]
fn after_a_refusal_readers_without_a_fence_are_waited_for() {
    check_with(REFUSED, 3, || {
        let value = Value::new();
        register();
        let deleter = spawn({
            let value = Arc::clone(&value);
            move || value.delete_unread()
        });
        look_up(&value);
        look_up(&value);
        finish([deleter]);
    });
}

/// Fails if `Record::show_words` doesn't look at what is parked, or loses its fence, or
/// `set_fenced_for_good` its Release.
#[test]
fn what_waits_for_a_fence_is_left_when_its_thread_ends() {
    check_with(REFUSED, 3, || {
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
        // Also takes up what is left.
        drop(pin());
        assert!(value.is_dropped());
    });
}
