//! Readers and deleters at once.

use std::{
    sync::{
        atomic::{AtomicUsize, Ordering::SeqCst},
        Barrier,
    },
    thread,
};

use handle_table::{Handle, HandleTable};

use crate::census::{Census, Witness};

/// Two threads insert and delete beside two that look up. After each of `rounds` all four are
/// between two calls. Returns the largest number of values that waited then: nobody calls `flush`.
///
/// At the end all values are dropped, and none was while it was read.
pub(crate) fn storm(
    table: &HandleTable<Witness>,
    census: &'static Census,
    rounds: usize,
    turns: usize,
) -> usize {
    let board: [AtomicUsize; 8] = Default::default();
    let (all, most_waited, board) = (&Barrier::new(4), &AtomicUsize::new(0), &board);
    let delete = |turn: usize, entry: &AtomicUsize| {
        let handle = table.insert(census.witness(turn));
        if let Ok(old) = Handle::from_raw(entry.swap(handle.to_raw(), SeqCst)) {
            table.remove(old).unwrap();
        }
    };
    let look = |entry: &AtomicUsize| {
        let Ok(handle) = Handle::from_raw(entry.load(SeqCst)) else { return };
        let _ = table.get(handle).map(|value| (value.look(), thread::yield_now(), value.look()));
    };
    thread::scope(|scope| {
        for nth in 0..4 {
            scope.spawn(move || {
                for _ in 0..rounds {
                    for turn in 0..turns {
                        let entry = &board[turn * (nth + 1) % board.len()];
                        if nth < 2 {
                            delete(turn, entry);
                        } else {
                            look(entry);
                        }
                    }
                    all.wait();
                    if nth == 0 {
                        // Not asserted here: the other threads would wait for ever.
                        most_waited.fetch_max(table.stats().pending, SeqCst);
                    }
                    all.wait();
                }
            });
        }
    });
    assert_eq!(table.clear(), board.len());
    census.assert_all_dropped_once();
    most_waited.load(SeqCst)
}
