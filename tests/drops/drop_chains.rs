//! Values whose drops delete more values: one drop runs after the other, not one inside the other,
//! or a long chain of them would overflow the stack. (A chain of a million is in
//! `isolated/at_once.rs`.)

use std::{
    cell::Cell,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
};

use handle_table::HandleTable;

use crate::common::eventually;

/// The most drops that any thread was ever inside of at a time.
struct Depth(AtomicUsize);

impl Depth {
    const fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    /// Runs the body of a drop.
    fn of_drop(&self, body: impl FnOnce()) {
        thread_local!(static DEPTH: Cell<usize> = const { Cell::new(0) });
        DEPTH.set(DEPTH.get() + 1);
        self.0.fetch_max(DEPTH.get(), SeqCst);
        body();
        DEPTH.set(DEPTH.get() - 1);
    }

    #[track_caller]
    fn assert_never_nested(&self) {
        assert_eq!(self.0.load(SeqCst), 1, "a drop ran inside another");
    }
}

#[test]
fn a_chain_that_makes_itself_longer_does_not_nest() {
    struct Again;
    impl Drop for Again {
        fn drop(&mut self) {
            DEPTH.of_drop(|| {
                if LEFT.load(SeqCst) > 0 {
                    LEFT.fetch_sub(1, SeqCst);
                    let handle = TABLE.insert(Again);
                    assert!(!TABLE.remove_now(handle).unwrap(), "it is not its turn yet");
                }
            });
        }
    }
    static TABLE: HandleTable<Again> = HandleTable::new();
    static DEPTH: Depth = Depth::new();
    static LEFT: AtomicUsize = AtomicUsize::new(5_000);
    TABLE.remove(TABLE.insert(Again)).unwrap();
    eventually("the chain ends", || LEFT.load(SeqCst) == 0);
    assert_eq!(TABLE.stats().drop_panics, 0);
    DEPTH.assert_never_nested();
}

#[test]
fn a_drop_never_runs_inside_another() {
    /// Deletes the next one, and then many others.
    struct Busy(usize);
    impl Drop for Busy {
        fn drop(&mut self) {
            DEPTH.of_drop(|| {
                if self.0 > 0 {
                    DROPPED.fetch_add(1, SeqCst);
                    TABLE.remove(TABLE.insert(Busy(self.0 - 1))).unwrap();
                    for _ in 0..300 {
                        TABLE.remove(TABLE.insert(Busy(0))).unwrap();
                    }
                    TABLE.flush();
                    TABLE.retain(|_, busy| busy.0 > 0);
                }
            });
        }
    }
    static TABLE: HandleTable<Busy> = HandleTable::new();
    static DEPTH: Depth = Depth::new();
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    TABLE.remove(TABLE.insert(Busy(50))).unwrap();
    eventually("all are dropped", || DROPPED.load(SeqCst) == 50);
    DEPTH.assert_never_nested();
}
