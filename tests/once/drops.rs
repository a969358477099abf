//! When values are dropped, and what a `Drop` may do.

use std::{
    panic::{catch_unwind, panic_any, resume_unwind, AssertUnwindSafe},
    sync::{
        atomic::{AtomicUsize, Ordering::SeqCst},
        Arc, LazyLock,
    },
    thread,
};

use handle_table::{Handle, HandleError, HandleTable, OnceTable};

use crate::{
    assert_empty,
    common::{eventually, on_new_thread, Census, Witness},
    kinds,
};

#[test]
fn a_removed_value_is_dropped_at_once_and_a_taken_one_by_its_taker() {
    static CENSUS: Census = Census::new();
    for table in kinds::<Witness>() {
        // Nothing holds a once-value up, not even a reader of another table.
        let other = HandleTable::new();
        let read = other.insert(7);
        let _reader = other.get(read).unwrap();
        let [one, two] = [1, 2].map(|n| table.insert(CENSUS.witness(n)));
        table.remove(one).unwrap();
        assert_eq!(CENSUS.left(), 1);
        let value = table.take(two).unwrap();
        assert_eq!(CENSUS.left(), 1, "it is the caller's");
        assert_eq!(value.look(), 2);
        drop(value);
        CENSUS.assert_all_dropped_once();
        assert_empty(&table);
    }
}

#[test]
fn a_value_is_dropped_on_the_thread_that_removes_it() {
    struct Named(Arc<AtomicUsize>, thread::ThreadId);
    impl Drop for Named {
        fn drop(&mut self) {
            assert_ne!(thread::current().id(), self.1);
            self.0.fetch_add(1, SeqCst);
        }
    }
    let (table, drops) = (OnceTable::new(), Arc::new(AtomicUsize::new(0)));
    let handle = table.insert(Named(Arc::clone(&drops), thread::current().id()));
    on_new_thread(|| {
        table.remove(handle).unwrap();
        assert_eq!(drops.load(SeqCst), 1);
    });
}

#[test]
fn a_dropped_table_drops_what_is_left_once() {
    static CENSUS: Census = Census::new();
    for table in kinds::<Witness>() {
        let handles: Vec<_> = (0..1_000).map(|n| table.insert(CENSUS.witness(n))).collect();
        for handle in &handles[..300] {
            drop(table.take(*handle));
        }
        on_new_thread(|| {
            handles[300..600].iter().for_each(|handle| table.remove(*handle).unwrap());
        });
        assert_eq!(CENSUS.left(), 400);
        drop(table);
        CENSUS.assert_all_dropped_once();
    }
}

/// A value whose drop removes the next one.
struct Next(Option<Handle<Next>>, #[allow(dead_code)] Witness);

static CHAIN: OnceTable<Next> = OnceTable::new();

impl Drop for Next {
    fn drop(&mut self) {
        if let Some(next) = self.0 {
            CHAIN.remove(next).unwrap();
            assert!(matches!(CHAIN.take(next), Err(HandleError::Deleted { .. })));
        }
    }
}

#[test]
fn a_drop_that_removes_the_next_value_drops_it_inside() {
    static CENSUS: Census = Census::new();
    let first = (0..100).fold(None, |next, n| Some(CHAIN.insert(Next(next, CENSUS.witness(n)))));
    CHAIN.remove(first.unwrap()).unwrap();
    CENSUS.assert_all_dropped_once();
    assert_eq!(CHAIN.stats().drop_panics, 0);
}

#[test]
fn a_drop_may_use_the_table_it_is_dropped_from() {
    struct Busy(&'static OnceTable<Busy>, bool, #[allow(dead_code)] Witness);
    static CENSUS: Census = Census::new();
    impl Drop for Busy {
        fn drop(&mut self) {
            if self.1 {
                let quiet = || Busy(self.0, false, CENSUS.witness(0));
                let handles = [(); 5].map(|()| self.0.insert(quiet()));
                let with = self.0.insert_with(|me| {
                    assert!(!self.0.contains(me));
                    quiet()
                });
                self.0.remove(handles[0]).unwrap();
                drop(self.0.take(handles[1]).unwrap());
                assert!(self.0.contains(with) && self.0.len() >= 4);
                drop(self.0.drain().next());
            }
        }
    }
    static TABLES: LazyLock<Vec<OnceTable<Busy>>> = LazyLock::new(|| kinds().collect());
    for table in TABLES.iter() {
        let busy = || Busy(table, true, CENSUS.witness(1));
        let [one, two] = [(); 2].map(|()| table.insert(busy()));
        table.remove(one).unwrap();
        assert!(!table.contains(two), "the drain in the drop took it, too");
        table.drain().for_each(drop);
        let _left = table.insert(busy());
        drop(table.drain());
        CENSUS.assert_all_dropped_once();
        assert_eq!(table.stats().drop_panics, 0);
        assert_empty(table);
    }
}

#[test]
fn values_of_two_kinds_of_tables_may_own_each_other() {
    static CENSUS: Census = Census::new();
    static ONCE: OnceTable<InOnce> = OnceTable::new();
    static MANY: HandleTable<InMany> = HandleTable::new();
    struct InOnce(Handle<InMany>, #[allow(dead_code)] Witness);
    struct InMany(Option<Handle<InOnce>>, #[allow(dead_code)] Witness);
    impl Drop for InOnce {
        fn drop(&mut self) {
            MANY.remove(self.0).unwrap();
        }
    }
    impl Drop for InMany {
        fn drop(&mut self) {
            if let Some(handle) = self.0 {
                ONCE.remove(handle).unwrap();
            }
        }
    }
    let mut last = MANY.insert(InMany(None, CENSUS.witness(0)));
    for n in 1..50 {
        let once = ONCE.insert(InOnce(last, CENSUS.witness(n)));
        last = MANY.insert(InMany(Some(once), CENSUS.witness(n)));
    }
    MANY.remove(last).unwrap();
    // A reader of another test may have been in the way of some.
    eventually("all are dropped", || CENSUS.left() == 0);
    CENSUS.assert_all_dropped_once();
    assert_empty(&ONCE);
}

/// A value whose drop calls this function, which panics.
struct Bomb(fn(), #[allow(dead_code)] Witness);

impl Drop for Bomb {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// With a payload whose own drop panics.
fn twice() {
    struct Again;
    impl Drop for Again {
        fn drop(&mut self) {
            resume_unwind(Box::new(()));
        }
    }
    resume_unwind(Box::new(Again));
}

const WAYS: [fn(); 4] = [
    || panic!("a panic in a drop, which this test wants"),
    || panic_any(vec![String::from("payload")]),
    || resume_unwind(Box::new(7_u64)),
    twice,
];

#[test]
fn remove_catches_a_panic_and_frees_the_slot() {
    static CENSUS: Census = Census::new();
    for table in kinds() {
        for how in WAYS {
            let handle = table.insert(Bomb(how, CENSUS.witness(0)));
            assert_eq!(table.remove(handle), Ok(()));
            assert!(matches!(table.remove(handle), Err(HandleError::Deleted { .. })));
        }
        CENSUS.assert_all_dropped_once();
        assert_eq!(table.stats().drop_panics, WAYS.len());
        assert_empty(&table);
        #[cfg(not(handle_table_small))]
        assert!(table.stats().exhausted == 0 && table.stats().vacant > 0);
    }
}

#[test]
fn a_drain_and_the_drop_of_a_table_catch_panics() {
    static CENSUS: Census = Census::new();
    for table in kinds() {
        let fill = || WAYS.map(|how| table.insert(Bomb(how, CENSUS.witness(0))));
        let _handles = fill();
        drop(table.drain());
        assert_eq!(table.stats().drop_panics, WAYS.len());
        let _handles = fill();
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(table)));
        assert!(dropped.is_ok(), "a panic came out of the table's drop");
        CENSUS.assert_all_dropped_once();
    }
}

#[test]
fn the_panic_of_a_taken_value_is_its_takers() {
    static CENSUS: Census = Census::new();
    for table in kinds() {
        let handle = table.insert(Bomb(WAYS[2], CENSUS.witness(0)));
        let value = table.take(handle).unwrap();
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(value)));
        assert!(dropped.is_err_and(|payload| payload.downcast_ref() == Some(&7_u64)));
        assert_eq!(table.stats().drop_panics, 0);
        CENSUS.assert_all_dropped_once();
    }
}
