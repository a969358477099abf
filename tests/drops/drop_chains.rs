//! Values whose drops delete more values: one drop runs after the other, not one inside the other,
//! or a long chain of them would overflow the stack.

use std::{
    cell::Cell,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
};

use handle_table::{Handle, HandleTable};

use crate::common::{eventually, on_new_thread};

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
fn a_long_chain_of_drops_does_not_nest() {
    /// A linked list in a table: each link deletes the next.
    struct Link(Option<Handle>);
    impl Drop for Link {
        fn drop(&mut self) {
            DEPTH.of_drop(|| {
                if let Some(next) = self.0.take() {
                    let _ = LIST.remove(next);
                }
            });
        }
    }
    static LIST: HandleTable<Link> = HandleTable::builder().shards(2).build();
    static DEPTH: Depth = Depth::new();
    const LENGTH: usize = 100_000;
    const CHAINS: usize = 2_000;
    // Each link waits for a grace period, so the chains go side by side, to save time.
    let mut ends = vec![None; CHAINS];
    for n in 0..LENGTH {
        let end = &mut ends[n % CHAINS];
        *end = Some(LIST.insert(Link(*end)));
    }
    assert_eq!(LIST.len(), LENGTH);
    ends.iter().flatten().for_each(|h| LIST.remove(*h).unwrap());
    eventually("the chains are gone", || {
        LIST.flush();
        LIST.is_empty()
    });
    LIST.quiesce().unwrap();
    assert_eq!(LIST.stats().drop_panics, 0);
    DEPTH.assert_never_nested();
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
                    TABLE.remove_now(handle).unwrap();
                }
            });
        }
    }
    static TABLE: HandleTable<Again> = HandleTable::new();
    static DEPTH: Depth = Depth::new();
    static LEFT: AtomicUsize = AtomicUsize::new(5_000);
    TABLE.remove(TABLE.insert(Again)).unwrap();
    on_new_thread(|| {
        eventually("the chain ends", || {
            (0..1_000).for_each(|_| TABLE.flush());
            LEFT.load(SeqCst) == 0
        });
    });
    assert_eq!(TABLE.stats().drop_panics, 0);
    DEPTH.assert_never_nested();
}

#[test]
fn a_drop_never_runs_inside_another() {
    /// Deletes the next one, and then so many others that its turn would come at once.
    struct Busy(usize);
    impl Drop for Busy {
        fn drop(&mut self) {
            DEPTH.of_drop(|| {
                if self.0 > 0 {
                    DROPPED.fetch_add(1, SeqCst);
                    TABLE.remove(TABLE.insert(Busy(self.0 - 1))).unwrap();
                    for _ in 0..6 * 256 {
                        TABLE.remove(TABLE.insert(Busy(0))).unwrap();
                    }
                }
            });
        }
    }
    static TABLE: HandleTable<Busy> = HandleTable::new();
    static DEPTH: Depth = Depth::new();
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    TABLE.remove(TABLE.insert(Busy(50))).unwrap();
    eventually("all are dropped", || {
        TABLE.flush();
        DROPPED.load(SeqCst) == 50
    });
    DEPTH.assert_never_nested();
}
