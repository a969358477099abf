//! A value's `Drop` may use the table that drops it, and any other, whatever drops it.

use std::sync::{
    atomic::{AtomicUsize, Ordering::SeqCst},
    Arc, Mutex,
};

use handle_table::{Handle, HandleTable, QuiesceError};

use crate::{
    common::{eventually, run_concurrently, table_kinds},
    verbs::use_every_verb,
};

/// A value that runs a closure when it is dropped, or has only a number.
enum OnDrop {
    Run(Option<Box<dyn FnOnce() + Send + Sync>>),
    Number(usize),
}

impl OnDrop {
    fn new(f: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self::Run(Some(Box::new(f)))
    }

    fn number(&self) -> usize {
        match self {
            Self::Run(_) => usize::MAX,
            Self::Number(number) => *number,
        }
    }
}

impl Drop for OnDrop {
    fn drop(&mut self) {
        if let Self::Run(f) = self {
            f.take().expect("it is dropped once")();
        }
    }
}

type Table = Arc<HandleTable<OnDrop>>;

/// Uses a table in a value's drop, in all ways. A panic is counted in `Stats::drop_panics`.
fn use_in_drop(table: &HandleTable<OnDrop>) {
    let wrong = use_every_verb(table, OnDrop::Number, OnDrop::number);
    assert!(wrong.is_empty(), "in a drop: {wrong:?}");
    assert_eq!(table.quiesce(), Err(QuiesceError::InsideDrop));
    // Nor may it wait for a table of its own.
    let inner = HandleTable::new();
    inner.remove(inner.insert(Arc::new(()))).unwrap();
    assert_eq!(inner.quiesce(), Err(QuiesceError::InsideDrop));
}

/// Inserts a value whose drop uses the table, and then counts itself as done.
fn insert_user(table: &Table, done: &Arc<AtomicUsize>) -> Handle<OnDrop> {
    let (of_drop, done) = (Arc::downgrade(table), Arc::clone(done));
    table.insert(OnDrop::new(move || {
        use_in_drop(&of_drop.upgrade().expect("the table is in use"));
        done.fetch_add(1, SeqCst);
    }))
}

#[test]
fn a_drop_in_a_batch_may_use_the_table() {
    for table in table_kinds().map(Arc::new) {
        let done = Arc::new(AtomicUsize::new(0));
        for _ in 0..10 {
            table.remove(insert_user(&table, &done)).unwrap();
        }
        eventually("the batches are dropped", || {
            for _ in 0..256 {
                let handle = table.insert(OnDrop::Number(0));
                table.remove(handle).unwrap();
            }
            done.load(SeqCst) == 10
        });
        assert_eq!(table.stats().drop_panics, 0);
    }
}

#[test]
fn a_drop_in_flush_or_quiesce_may_use_the_table() {
    for table in table_kinds().map(Arc::new) {
        let done = Arc::new(AtomicUsize::new(0));
        for turn in 1..=10 {
            table.remove(insert_user(&table, &done)).unwrap();
            eventually("flush drops it", || {
                table.flush();
                done.load(SeqCst) == 2 * turn - 1
            });
            table.remove(insert_user(&table, &done)).unwrap();
            table.quiesce().unwrap();
            assert_eq!(done.load(SeqCst), 2 * turn);
        }
        assert_eq!(table.stats().drop_panics, 0);
    }
}

#[test]
fn a_drop_in_remove_now_may_use_the_table() {
    for table in table_kinds().map(Arc::new) {
        let done = Arc::new(AtomicUsize::new(0));
        for _ in 0..10 {
            table.remove_now(insert_user(&table, &done)).unwrap();
        }
        table.quiesce().unwrap();
        assert_eq!(done.load(SeqCst), 10);
        assert_eq!(table.stats().drop_panics, 0);
    }
}

#[test]
fn a_drop_in_a_tables_own_drop_may_use_another_table() {
    for other in table_kinds().map(Arc::new) {
        let done = Arc::new(AtomicUsize::new(0));
        let table = HandleTable::new();
        for n in 0..10 {
            let (other, done) = (Arc::clone(&other), Arc::clone(&done));
            let handle = table.insert(OnDrop::new(move || {
                use_in_drop(&other);
                done.fetch_add(1, SeqCst);
            }));
            if n % 2 == 0 {
                table.remove(handle).unwrap();
            }
        }
        drop(table);
        assert_eq!(done.load(SeqCst), 10);
        other.quiesce().unwrap();
        let stats = other.stats();
        assert_eq!((stats.live, stats.pending), (0, 0), "{stats}");
    }
}

#[test]
fn drops_of_many_threads_may_use_the_table_at_once() {
    for table in table_kinds().map(Arc::new) {
        let done = Arc::new(AtomicUsize::new(0));
        run_concurrently(4, |nth| {
            for n in 0..30 {
                let handle = insert_user(&table, &done);
                match (nth + n) % 4 {
                    0 => table.remove(handle).unwrap(),
                    1 => drop(table.remove_now(handle).unwrap()),
                    2 => drop(table.remove_ref(handle).unwrap()),
                    _ => drop(table.retain(|other, _| other != handle)),
                }
                if n % 8 == nth {
                    table.flush();
                    table.quiesce().unwrap();
                }
            }
        });
        // The first call drops values whose drops delete more, which the second call drops.
        table.quiesce().unwrap();
        table.quiesce().unwrap();
        assert_eq!(done.load(SeqCst), 120);
        let stats = table.stats();
        assert_eq!((stats.live, stats.pending, stats.drop_panics), (0, 0, 0));
    }
}

#[test]
fn a_drop_finds_its_own_handle_deleted() {
    let table: Table = Arc::default();
    let results = Arc::new(Mutex::new(Vec::new()));
    let handle = table.insert_with(|me| {
        let (table, results) = (Arc::downgrade(&table), Arc::clone(&results));
        OnDrop::new(move || {
            let table = table.upgrade().expect("in use");
            let seen = [table.contains(me), table.get(me).is_ok(), table.remove(me).is_ok()];
            results.lock().unwrap().extend(seen);
        })
    });
    table.remove(handle).unwrap();
    table.quiesce().unwrap();
    assert_eq!(*results.lock().unwrap(), [false; 3]);
}
