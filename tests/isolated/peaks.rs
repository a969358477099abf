//! Threads of a pool that each need many slots for a while, one after the other, share them. Alone
//! in its process, since a thread that is preempted while it reads would keep slots back.
#![cfg(not(loom))]

#[path = "../common/serial.rs"]
mod serial;
#[path = "../common/slots.rs"]
mod slots;

use std::{
    sync::{Condvar, Mutex},
    thread,
};

use handle_table::HandleTable;

use serial::serial;
use slots::slots;

const THREADS: usize = 30;
const PEAK: usize = if cfg!(handle_table_small) { 10_000 } else { 50_000 };
/// So many slots that a thread has freed make a batch.
const BATCH: usize = if cfg!(handle_table_small) { 4 } else { 1_024 };
/// What a thread may keep for its next inserts.
const KEPT: usize = 8_000;

/// Each thread in turn inserts so many values, and deletes them, with an insert after each
/// batch of deletes if so asked; none ends before the last one has.
fn take_turns<T: Send + Sync + 'static>(is_mixed: bool, make: impl Fn(usize) -> T + Sync) {
    let table = HandleTable::builder().shards(64).build();
    let (turn, changed) = (Mutex::new(0), Condvar::new());
    thread::scope(|scope| {
        for nth in 0..THREADS {
            let (table, turn, changed, make) = (&table, &turn, &changed, &make);
            scope.spawn(move || {
                let mut now = changed.wait_while(turn.lock().unwrap(), |now| *now < nth).unwrap();
                let mut handles: Vec<_> = (0..PEAK).map(|n| table.insert(make(n))).collect();
                let mut deletes = 0;
                while let Some(handle) = handles.pop() {
                    table.remove(handle).unwrap();
                    deletes += 1;
                    if is_mixed && deletes % BATCH == 0 {
                        handles.push(table.insert(make(deletes)));
                    }
                }
                *now += 1;
                changed.notify_all();
                drop(changed.wait_while(now, |now| *now < THREADS));
            });
        }
    });
    let stats = table.stats();
    assert_eq!(stats.live, 0, "{stats}");
    // In a small build a slot can be used six times.
    let used_up = if cfg!(handle_table_small) { THREADS * PEAK / 5 } else { 0 };
    let most = PEAK + THREADS * KEPT + used_up;
    assert!(slots(stats) < most, "{} slots: {stats}", slots(stats));
    println!("{} slots for {THREADS} peaks of {PEAK}", slots(stats));
}

#[test]
fn threads_that_peak_in_turn_share_their_slots() {
    let _serial = serial();
    take_turns(false, |n| n as u64);
    take_turns(false, |n| n.to_string());
    // In a box of its own.
    take_turns(false, |n| [n; 16]);
}

/// An insert takes the batch that is full, and the next deletes once made it ever longer.
#[test]
fn a_thread_that_inserts_while_it_shrinks_keeps_no_more_slots() {
    let _serial = serial();
    take_turns(true, |n| n.to_string());
}
