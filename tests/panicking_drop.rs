//! A value whose `Drop` panics: the panic is contained and counted, and the others are dropped.
#![cfg(not(loom))]

mod common;

use std::{
    panic::{catch_unwind, panic_any, resume_unwind, AssertUnwindSafe},
    sync::{
        atomic::{AtomicUsize, Ordering::SeqCst},
        Arc,
    },
};

use common::{eventually, together, Census, Witness};
use handle_table::{Handle, HandleTable};

/// A value that panics in its drop, by `how`; what it holds is dropped all the same.
struct Bomb(Option<fn()>, #[allow(dead_code)] Witness);

impl Drop for Bomb {
    fn drop(&mut self) {
        if let Some(how) = self.0 {
            how();
        }
    }
}

fn loudly() {
    panic!("a panic in a drop, as it should be here");
}

fn with_number() {
    panic!("a panic in a drop, as it should be here, number {}", 7);
}

fn with_payload() {
    panic_any(vec![String::from("payload")]);
}

/// Without the hook.
fn quietly() {
    resume_unwind(Box::new(7_u64));
}

/// The payload panics when it is dropped.
fn twice() {
    struct Again;
    impl Drop for Again {
        fn drop(&mut self) {
            resume_unwind(Box::new(()));
        }
    }
    resume_unwind(Box::new(Again));
}

const WAYS: [fn(); 5] = [loudly, with_number, with_payload, quietly, twice];

/// Deletes `n` values, of which every third panics in its drop; says how many those are.
fn delete(table: &HandleTable<Bomb>, census: &'static Census, n: usize) -> usize {
    let mut bombs = 0;
    for nth in 0..n {
        let how = (nth % 3 == 0).then(|| WAYS[nth / 3 % 5]);
        bombs += usize::from(how.is_some());
        let handle = table.insert(Bomb(how, census.witness(nth)));
        table.remove(handle).unwrap();
    }
    bombs
}

#[test]
fn a_panic_in_quiesce_comes_out_or_loses_the_rest() {
    static CENSUS: Census = Census::new();
    let table = HandleTable::new();
    let bombs = delete(&table, &CENSUS, 50);
    table.quiesce().unwrap();
    CENSUS.assert_all_dropped_once();
    let stats = table.stats();
    assert_eq!((stats.drop_panics, stats.pending), (bombs, 0));
    let words = stats.to_string();
    assert!(
        words.contains(&bombs.to_string()) && words.contains("panicked"),
        "{words}"
    );
}

#[test]
fn a_panic_in_flush_comes_out_or_loses_the_rest() {
    static CENSUS: Census = Census::new();
    let table = HandleTable::builder().shards(1).build();
    let bombs = delete(&table, &CENSUS, 50);
    eventually("flush drops all", || {
        table.flush();
        CENSUS.left() == 0
    });
    CENSUS.assert_all_dropped_once();
    assert_eq!(table.stats().drop_panics, bombs);
}

#[test]
fn a_panic_in_a_batch_comes_out_or_loses_the_rest() {
    static CENSUS: Census = Census::new();
    let table = HandleTable::new();
    let bombs = delete(&table, &CENSUS, 300);
    let deleted = CENSUS.made();
    eventually("the batches are dropped", || {
        let handle = table.insert(Bomb(None, CENSUS.witness(0)));
        table.remove(handle).unwrap();
        CENSUS.dropped() >= deleted
    });
    table.quiesce().unwrap();
    CENSUS.assert_all_dropped_once();
    assert_eq!(table.stats().drop_panics, bombs);
}

#[test]
fn a_panic_in_remove_now_comes_out() {
    static CENSUS: Census = Census::new();
    let table = HandleTable::new();
    for how in WAYS {
        let handle = table.insert(Bomb(Some(how), CENSUS.witness(0)));
        assert_eq!(table.remove_now(handle), Ok(()));
    }
    table.quiesce().unwrap();
    CENSUS.assert_all_dropped_once();
    assert_eq!(table.stats().drop_panics, WAYS.len());
}

#[test]
fn a_panic_in_a_tables_own_drop_comes_out_or_loses_the_rest() {
    static CENSUS: Census = Census::new();
    let table = HandleTable::new();
    delete(&table, &CENSUS, 100);
    for how in WAYS {
        let _live = table.insert(Bomb(Some(how), CENSUS.witness(0)));
    }
    let result = catch_unwind(AssertUnwindSafe(|| drop(table)));
    assert!(result.is_ok(), "a panic came out of the table's drop");
    CENSUS.assert_all_dropped_once();
}

#[test]
fn a_panic_while_a_panic_drops_the_table_aborts_the_process() {
    static CENSUS: Census = Census::new();
    let table = HandleTable::new();
    for how in WAYS {
        let _live = table.insert(Bomb(Some(how), CENSUS.witness(0)));
    }
    let result = catch_unwind(AssertUnwindSafe(move || {
        let _table = table;
        resume_unwind(Box::new("outer"));
    }));
    let payload = result.unwrap_err();
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"outer"));
    CENSUS.assert_all_dropped_once();
}

#[test]
fn a_panic_in_a_drop_comes_out_of_a_process_wide_delete() {
    static CENSUS: Census = Census::new();
    for how in WAYS {
        Handle::new(Bomb(Some(how), CENSUS.witness(0))).delete();
        // Too large to be in place.
        Handle::new((Bomb(Some(how), CENSUS.witness(0)), [0; 4])).delete();
    }
    Handle::quiesce().unwrap();
    assert_eq!(Handle::stats().drop_panics, 2 * WAYS.len());
    CENSUS.assert_all_dropped_once();
}

#[test]
fn panics_on_many_threads_lose_values_or_the_table() {
    static CENSUS: Census = Census::new();
    let table = HandleTable::builder().shards(2).build();
    let bombs = together(4, |_| delete(&table, &CENSUS, 200));
    table.quiesce().unwrap();
    CENSUS.assert_all_dropped_once();
    assert_eq!(table.stats().drop_panics, bombs.iter().sum());

    // It works as before.
    let handle = table.insert(Bomb(None, CENSUS.witness(7)));
    assert_eq!(table.get(handle).unwrap().1.look(), 7);
    table.remove(handle).unwrap();
    table.quiesce().unwrap();
    CENSUS.assert_all_dropped_once();
}

#[test]
fn a_panic_of_clone_or_keep_leaves_the_thread_pinned() {
    struct Wicked;
    impl Clone for Wicked {
        fn clone(&self) -> Self {
            resume_unwind(Box::new(()));
        }
    }
    let dropped = Arc::new(AtomicUsize::new(0));
    let table = HandleTable::new();
    let handle = table.insert(Wicked);
    assert!(catch_unwind(|| table.cloned(handle).map(drop)).is_err());
    let keep = |_, _: &Wicked| {
        dropped.fetch_add(1, SeqCst);
        resume_unwind(Box::new(()))
    };
    assert!(catch_unwind(AssertUnwindSafe(|| table.retain(keep))).is_err());
    assert_eq!(dropped.load(SeqCst), 1);
    assert!(table.contains(handle));
    table.remove(handle).unwrap();
    table.quiesce().unwrap();
    assert_eq!(table.stats().pending, 0);
}
