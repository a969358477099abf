//! Values whose drops delete more values: one after the other, not one inside the other.
#![cfg(not(loom))]

mod common;

use std::{
    cell::Cell,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
};

use common::{aside, eventually};
use handle_table::{Handle, HandleTable};

/// A linked list in a table: each link deletes the next.
struct Link {
    list: &'static HandleTable<Link>,
    next: Option<Handle>,
}

impl Drop for Link {
    fn drop(&mut self) {
        if let Some(next) = self.next.take() {
            let _ = self.list.remove(next);
        }
    }
}

#[test]
fn a_long_chain_of_drops_overflows_the_stack() {
    const LENGTH: usize = 100_000;
    const CHAINS: usize = 2_000;
    static LIST: HandleTable<Link> = HandleTable::builder().shards(2).build();
    let link = |next| LIST.insert(Link { list: &LIST, next });
    // Links wait for a grace period each, so many chains side by side, to save time.
    let mut ends = vec![None; CHAINS];
    for n in 0..LENGTH {
        let end = &mut ends[n % CHAINS];
        *end = Some(link(*end));
    }
    assert_eq!(LIST.len(), LENGTH);
    ends.iter().flatten().for_each(|h| LIST.remove(*h).unwrap());
    eventually("the chains are gone", || {
        LIST.flush();
        LIST.is_empty()
    });
}

#[test]
fn a_chain_that_makes_itself_longer_overflows_the_stack() {
    // Where slots retire, each flush has more of them to walk.
    const LENGTH: usize = if cfg!(handle_table_small) {
        5_000
    } else {
        100_000
    };
    static LEFT: AtomicUsize = AtomicUsize::new(LENGTH);
    static TABLE: HandleTable<Again> = HandleTable::new();
    struct Again;
    impl Drop for Again {
        fn drop(&mut self) {
            if LEFT.load(SeqCst) > 0 {
                LEFT.fetch_sub(1, SeqCst);
                let handle = TABLE.insert(Again);
                TABLE.remove_now(handle).unwrap();
            }
        }
    }
    TABLE.remove(TABLE.insert(Again)).unwrap();
    aside(|| {
        eventually("the chain ends", || {
            (0..1_000).for_each(|_| TABLE.flush());
            LEFT.load(SeqCst) == 0
        });
    });
    assert_eq!(TABLE.stats().drop_panics, 0);
}

#[test]
fn a_drop_runs_inside_another_on_the_same_stack() {
    thread_local! {
        static DEPTH: Cell<usize> = const { Cell::new(0) };
    }
    static TABLE: HandleTable<Busy> = HandleTable::new();
    static DEEPEST: AtomicUsize = AtomicUsize::new(0);
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    /// Deletes the next one, and then so many others that its turn would come at once.
    struct Busy(usize);
    impl Drop for Busy {
        fn drop(&mut self) {
            DEPTH.set(DEPTH.get() + 1);
            DEEPEST.fetch_max(DEPTH.get(), SeqCst);
            if self.0 > 0 {
                DROPPED.fetch_add(1, SeqCst);
                TABLE.remove(TABLE.insert(Busy(self.0 - 1))).unwrap();
                for _ in 0..6 * 256 {
                    TABLE.remove(TABLE.insert(Busy(0))).unwrap();
                }
            }
            DEPTH.set(DEPTH.get() - 1);
        }
    }
    TABLE.remove(TABLE.insert(Busy(50))).unwrap();
    eventually("all are dropped", || {
        TABLE.flush();
        DROPPED.load(SeqCst) == 50
    });
    assert_eq!(
        DEEPEST.load(SeqCst),
        1,
        "a long chain would overflow the stack"
    );
}
