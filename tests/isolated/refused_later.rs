//! A filter that begins to refuse the barrier while readers and deleters run: no value is dropped
//! under a reader that has never made a fence. Alone in its process, which keeps the filter.
#![cfg(all(target_os = "linux", not(loom)))]
#![allow(unsafe_code)]

#[path = "../common/census.rs"]
mod census;
#[path = "../common/keys.rs"]
mod keys;
#[path = "../common/kinds.rs"]
mod kinds;
#[path = "../common/seccomp.rs"]
mod seccomp;
#[path = "../common/storm.rs"]
mod storm;
#[path = "../common/threads.rs"]
#[allow(dead_code)] // One of these is needed here.
mod threads;

use std::{
    sync::{
        atomic::{AtomicBool, Ordering::SeqCst},
        mpsc::channel,
    },
    thread,
};

use handle_table::HandleTable;

use census::{Census, Witness};
use keys::in_rounds;
use kinds::table_kinds;
use seccomp::refuse_membarrier;
use storm::storm;
use threads::SetOnDrop;

// One test: the filter is there to stay.
#[test]
fn a_barrier_that_is_refused_from_some_moment_on_lets_no_value_go_early() {
    static CENSUS: Census = Census::new();
    static TABLE: HandleTable<Witness> = HandleTable::new();
    let (rounds, turns) = if cfg!(debug_assertions) { (100, 200) } else { (500, 500) };
    for table in table_kinds() {
        assert_eq!(storm(&table, &CENSUS, rounds, turns), 0);
    }

    // A thread whose first look-up came after the destructors of its thread-locals: its record is
    // not waited for.
    in_rounds(1, true, |_| drop(TABLE.pin()));
    // A thread that has read, and then sleeps: it makes no fence, and its record is not to be
    // trusted.
    let (read, has_read) = channel();
    let (wake, sleep) = channel::<()>();
    let sleeper = thread::spawn(move || {
        drop(TABLE.pin());
        read.send(()).unwrap();
        let _ = sleep.recv();
    });
    has_read.recv().unwrap();
    // One that holds a guard from before.
    let held = TABLE.insert(CENSUS.witness(7));
    let (hold, is_held) = channel();
    let (let_go, told) = channel::<()>();
    let holder = thread::spawn(move || {
        let value = TABLE.get(held).unwrap();
        hold.send(()).unwrap();
        let _ = told.recv();
        value.look()
    });
    is_held.recv().unwrap();

    // Two that read all the time, at first so long without a delete that they make no
    // fences any more.
    let stop = AtomicBool::new(false);
    let is_refused = thread::scope(|scope| {
        let (begun, have_begun) = channel();
        for nth in 0..2 {
            let (stop, begun) = (&stop, begun.clone());
            scope.spawn(move || {
                let kept = TABLE.insert(CENSUS.witness(nth));
                let look = || assert_eq!(TABLE.get(kept).unwrap().look(), nth);
                (0..100_000).for_each(|_| look());
                begun.send(()).unwrap();
                while !stop.load(SeqCst) {
                    look();
                }
                TABLE.remove(kept).unwrap();
            });
        }
        let _stop = SetOnDrop(&stop);
        (0..2).for_each(|_| have_begun.recv().unwrap());
        let is_refused = refuse_membarrier();
        for n in 0..20_000 {
            TABLE.remove(TABLE.insert(CENSUS.witness(n))).unwrap();
        }
        is_refused
    });
    TABLE.remove(held).unwrap();
    TABLE.flush();
    assert!(CENSUS.left() > 0, "a reader holds one");
    drop(let_go);
    assert_eq!(holder.join().unwrap(), 7);
    // What waits for the sleeper, which may read as far as anybody can tell, is not lost.
    let waiting = CENSUS.left();
    println!("refused: {is_refused}; {waiting} wait for a thread that sleeps");
    assert_eq!(TABLE.stats().pending, waiting);
    // Its end shows that it does not.
    drop(wake);
    sleeper.join().unwrap();
    let stats = TABLE.stats();
    assert_eq!((stats.live, stats.pending, CENSUS.left()), (0, 0, 0), "{stats}");
    TABLE.quiesce().unwrap();

    for table in table_kinds() {
        // Deleters that never read show their records as well as readers do.
        assert_eq!(storm(&table, &CENSUS, rounds, turns), 0);
    }
    CENSUS.assert_all_dropped_once();
}
