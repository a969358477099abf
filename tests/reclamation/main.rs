//! When values are dropped and their slots used again, and what waits for what: grace periods,
//! readers, threads, and the ends of threads.
#![cfg(not(loom))]

#[path = "../common/mod.rs"]
mod common;
/// All tests take this lock. All tables of a process share its grace periods, and its threads share
/// the numbers of shards: a `Ref` or a thread of one test would change when values of the others
/// are dropped, and in which shard they lie.
#[path = "../common/serial.rs"]
mod serial;
#[path = "../common/slots.rs"]
mod slots;
#[path = "../common/verbs.rs"]
mod verbs;

mod never_reissued;
mod quiesce;
mod reclaim;
mod thread_exit;
mod threads;

use std::{sync::mpsc::channel, thread};

use handle_table::{Handle, HandleTable};

/// Runs `f` while another thread holds a `Ref` of `value`, or a `Pinned` if there is no value.
fn while_another_reads<T: Send + Sync, R>(
    table: &HandleTable<T>,
    value: Option<Handle<T>>,
    f: impl FnOnce() -> R,
) -> R {
    let (ready, is_ready) = channel();
    let (stop, is_stopped) = channel::<()>();
    thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let held = value.map(|handle| table.get(handle).unwrap());
            let pinned = held.is_none().then(|| table.pin());
            ready.send(()).unwrap();
            let _ = is_stopped.recv();
            drop((held, pinned));
        });
        is_ready.recv().unwrap();
        let result = f();
        drop(stop);
        reader.join().unwrap();
        result
    })
}
