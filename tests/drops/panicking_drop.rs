//! A value whose `Drop` panics: the table catches and counts the panic, and drops the others.

use std::{
    cell::Cell,
    panic::{catch_unwind, panic_any, resume_unwind, AssertUnwindSafe},
};

use handle_table::{set_report_hook, Handle, HandleTable};

use crate::common::{eventually, run_concurrently, Census, Witness};

/// A value whose drop calls this function, which panics. The witness in it is dropped nevertheless.
struct Bomb(Option<fn()>, #[allow(dead_code)] Witness);

impl Drop for Bomb {
    fn drop(&mut self) {
        if let Some(how) = self.0 {
            // The default hook would write a line for each.
            set_report_hook(|_| ());
            how();
        }
    }
}

fn with_literal() {
    panic!("a panic in a drop, which this test wants");
}

fn with_formatted_message() {
    panic!("a panic in a drop, which this test wants, number {}", 7);
}

fn with_payload() {
    panic_any(vec![String::from("payload")]);
}

/// Without calling the panic hook.
fn quietly() {
    resume_unwind(Box::new(7_u64));
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

const WAYS: [fn(); 5] = [with_literal, with_formatted_message, with_payload, quietly, twice];

/// Deletes `n` values, of which every third panics in its drop. Returns how many those are.
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
fn quiesce_catches_a_panic_and_drops_the_rest() {
    static CENSUS: Census = Census::new();
    let table = HandleTable::new();
    let bombs = delete(&table, &CENSUS, 50);
    table.quiesce().unwrap();
    CENSUS.assert_all_dropped_once();
    let stats = table.stats();
    assert_eq!((stats.drop_panics, stats.pending), (bombs, 0));
    let words = stats.to_string();
    assert!(words.contains(&format!("panics in drops: {bombs}")), "{words}");
}

#[test]
fn flush_catches_a_panic_and_drops_the_rest() {
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
fn a_batch_catches_a_panic_and_drops_the_rest() {
    static CENSUS: Census = Census::new();
    let table = HandleTable::new();
    let bombs = delete(&table, &CENSUS, 300);
    let deleted = CENSUS.made();
    eventually("the batches are dropped", || {
        for nth in 0..256 {
            let handle = table.insert(Bomb(None, CENSUS.witness(nth)));
            table.remove(handle).unwrap();
        }
        CENSUS.dropped() >= deleted
    });
    table.quiesce().unwrap();
    CENSUS.assert_all_dropped_once();
    assert_eq!(table.stats().drop_panics, bombs);
}

#[test]
fn remove_now_catches_a_panic() {
    static CENSUS: Census = Census::new();
    let table = HandleTable::new();
    for how in WAYS {
        let handle = table.insert(Bomb(Some(how), CENSUS.witness(0)));
        // Whether it drops it or a reader of another test.
        assert!(table.remove_now(handle).is_ok());
    }
    table.quiesce().unwrap();
    CENSUS.assert_all_dropped_once();
    assert_eq!(table.stats().drop_panics, WAYS.len());
}

#[test]
fn the_drop_of_a_table_catches_a_panic_and_drops_the_rest() {
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
fn a_table_that_is_dropped_by_a_panic_catches_others() {
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
fn the_process_wide_table_catches_a_panic() {
    static CENSUS: Census = Census::new();
    for how in WAYS {
        Handle::new(Bomb(Some(how), CENSUS.witness(0))).delete();
        // Too large for its slot: it lies in a box of its own.
        Handle::new((Bomb(Some(how), CENSUS.witness(0)), [0; 4])).delete();
    }
    Handle::quiesce().unwrap();
    assert_eq!(Handle::stats().drop_panics, 2 * WAYS.len());
    CENSUS.assert_all_dropped_once();
}

#[test]
fn panics_on_many_threads_lose_neither_values_nor_the_table() {
    static CENSUS: Census = Census::new();
    let table = HandleTable::builder().shards(2).build();
    let bombs = run_concurrently(4, |_| delete(&table, &CENSUS, 200));
    table.quiesce().unwrap();
    CENSUS.assert_all_dropped_once();
    assert_eq!(table.stats().drop_panics, bombs.iter().sum());

    // The table still works.
    let handle = table.insert(Bomb(None, CENSUS.witness(7)));
    assert_eq!(table.get(handle).unwrap().1.look(), 7);
    table.remove(handle).unwrap();
    table.quiesce().unwrap();
    CENSUS.assert_all_dropped_once();
}

#[test]
fn a_panic_of_clone_or_of_retains_closure_leaves_the_thread_unpinned() {
    struct Wicked;
    impl Clone for Wicked {
        fn clone(&self) -> Self {
            resume_unwind(Box::new(()));
        }
    }
    let calls = Cell::new(0);
    let table = HandleTable::new();
    let handle = table.insert(Wicked);
    assert!(catch_unwind(|| table.cloned(handle).map(drop)).is_err());
    let keep = |_, _: &Wicked| {
        calls.set(calls.get() + 1);
        resume_unwind(Box::new(()))
    };
    assert!(catch_unwind(AssertUnwindSafe(|| table.retain(keep))).is_err());
    assert_eq!(calls.get(), 1);
    assert!(table.contains(handle));
    table.remove(handle).unwrap();
    let result = table.quiesce();
    assert_eq!(result, Ok(()), "the thread is still pinned");
    assert_eq!(table.stats().pending, 0);
}
