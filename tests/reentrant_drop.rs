//! A value's `Drop` may use the table it was in, wherever it runs.
#![cfg(not(loom))]

mod common;

use std::sync::{
    atomic::{AtomicUsize, Ordering::SeqCst},
    Arc, Mutex,
};

use common::{eventually, together};
use handle_table::{Handle, HandleTable, QuiesceError};

/// A value that runs this when it is dropped.
struct OnDrop(Option<Box<dyn FnOnce() + Send + Sync>>);

impl OnDrop {
    fn new(f: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(f)))
    }

    fn nothing() -> Self {
        Self(None)
    }
}

impl Drop for OnDrop {
    fn drop(&mut self) {
        if let Some(f) = self.0.take() {
            f();
        }
    }
}

type Table = Arc<HandleTable<OnDrop>>;

fn tables() -> [Table; 3] {
    let builder = HandleTable::builder;
    [
        builder().shards(8).build(),
        builder().shards(1).build(),
        builder().shards(4).max_handles(1 << 20).build(),
    ]
    .map(Arc::new)
}

/// Everything that can be done with a table, done in a drop; says that it came to its end.
fn use_it_all(table: &HandleTable<OnDrop>) {
    let handles: Vec<_> = (0..300).map(|_| table.insert(OnDrop::nothing())).collect();
    let known = table.insert_with(|me| {
        assert!(!table.contains(me));
        OnDrop::nothing()
    });
    assert!(table.len() >= 301 && !table.is_empty());
    assert!(table.stats().live >= 301);
    // More deletes than fill a batch, in a drop that may come from a batch.
    handles[..200]
        .iter()
        .for_each(|h| table.remove(*h).unwrap());
    drop(table.remove_ref(handles[200]).unwrap());
    table.remove_now(handles[201]).unwrap();
    table.flush();
    assert_eq!(table.quiesce(), Err(QuiesceError::InsideDrop));
    let ours = &handles[202..];
    let pinned = table.pin();
    assert!(ours.iter().all(|h| pinned.get(*h).is_ok()));
    assert!(pinned.iter().count() >= ours.len());
    drop(pinned);
    table.retain(|handle, _| !ours.contains(&handle));
    assert!(ours.iter().all(|h| table.get(*h).is_err()));
    table.remove(known).unwrap();

    // Tables that come and go inside it.
    let inner = HandleTable::new();
    let handle = inner.insert(Arc::new(()));
    inner.remove(handle).unwrap();
    assert_eq!(inner.quiesce(), Err(QuiesceError::InsideDrop));
    drop(inner);
    Handle::new(()).delete();
}

/// A value whose drop does all that, and counts.
fn user(table: &Table, done: &Arc<AtomicUsize>) -> Handle {
    let (of_drop, done) = (Arc::downgrade(table), Arc::clone(done));
    table.insert(OnDrop::new(move || {
        use_it_all(&of_drop.upgrade().expect("the table is in use"));
        done.fetch_add(1, SeqCst);
    }))
}

#[test]
fn a_drop_in_a_batch_finds_the_table_half_made() {
    for table in tables() {
        let done = Arc::new(AtomicUsize::new(0));
        for _ in 0..10 {
            table.remove(user(&table, &done)).unwrap();
        }
        eventually("the batches are dropped", || {
            let handle = table.insert(OnDrop::nothing());
            table.remove(handle).unwrap();
            done.load(SeqCst) == 10
        });
        assert_eq!(table.stats().drop_panics, 0);
    }
}

#[test]
fn a_drop_in_flush_or_quiesce_waits_for_itself() {
    for table in tables() {
        let done = Arc::new(AtomicUsize::new(0));
        for turn in 1..=10 {
            table.remove(user(&table, &done)).unwrap();
            eventually("flush drops it", || {
                table.flush();
                done.load(SeqCst) == 2 * turn - 1
            });
            table.remove(user(&table, &done)).unwrap();
            table.quiesce().unwrap();
            assert_eq!(done.load(SeqCst), 2 * turn);
        }
        assert_eq!(table.stats().drop_panics, 0);
    }
}

#[test]
fn a_drop_in_remove_now_waits_for_itself() {
    for table in tables() {
        let done = Arc::new(AtomicUsize::new(0));
        for _ in 0..10 {
            table.remove_now(user(&table, &done)).unwrap();
        }
        table.quiesce().unwrap();
        assert_eq!(done.load(SeqCst), 10);
        assert_eq!(table.stats().drop_panics, 0);
    }
}

#[test]
fn a_drop_in_a_tables_own_drop_finds_it_half_gone() {
    for other in tables() {
        let done = Arc::new(AtomicUsize::new(0));
        let table = HandleTable::new();
        for n in 0..10 {
            let (other, done) = (Arc::clone(&other), Arc::clone(&done));
            let handle = table.insert(OnDrop::new(move || {
                use_it_all(&other);
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
fn drops_of_many_threads_at_once_wait_for_each_other() {
    for table in tables() {
        let done = Arc::new(AtomicUsize::new(0));
        together(4, |nth| {
            for n in 0..30 {
                let handle = user(&table, &done);
                match (nth + n) % 4 {
                    0 => table.remove(handle).unwrap(),
                    1 => table.remove_now(handle).unwrap(),
                    2 => drop(table.remove_ref(handle).unwrap()),
                    _ => table.retain(|other, _| other != handle),
                }
                if n % 8 == nth {
                    table.flush();
                    table.quiesce().unwrap();
                }
            }
        });
        // What drops have deleted is deleted before the second call.
        table.quiesce().unwrap();
        table.quiesce().unwrap();
        assert_eq!(done.load(SeqCst), 120);
        let stats = table.stats();
        assert_eq!((stats.live, stats.pending, stats.drop_panics), (0, 0, 0));
    }
}

#[test]
fn a_flush_never_ends_where_each_drop_deletes_one_more() {
    let table: Table = Arc::default();
    fn endless(table: &Table) -> OnDrop {
        let weak = Arc::downgrade(table);
        OnDrop::new(move || {
            if let Some(table) = weak.upgrade() {
                let handle = table.insert(endless(&table));
                table.remove(handle).unwrap();
            }
        })
    }
    table.remove(table.insert(endless(&table))).unwrap();
    for _ in 0..100 {
        table.flush();
        table.quiesce().unwrap();
    }
    assert!(table.stats().pending >= 1);
}

#[test]
fn a_drop_can_still_delete_or_see_its_own_handle() {
    let table: Table = Arc::default();
    let results = Arc::new(Mutex::new(Vec::new()));
    let handle = table.insert_with(|me| {
        let (table, results) = (Arc::downgrade(&table), Arc::clone(&results));
        OnDrop::new(move || {
            let table = table.upgrade().expect("in use");
            let seen = [
                table.contains(me),
                table.get(me).is_ok(),
                table.remove(me).is_ok(),
            ];
            results.lock().unwrap().extend(seen);
        })
    });
    table.remove(handle).unwrap();
    table.quiesce().unwrap();
    assert_eq!(*results.lock().unwrap(), [false; 3]);
}
