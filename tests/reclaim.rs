//! When values are dropped: by `flush`, by `remove_now`, by later deletes. One test at a time: a `Ref`
//! of any table holds up the drops of all.
#![cfg(not(loom))]

mod common;

use std::{
    sync::{mpsc::channel, Arc},
    thread,
};

use common::{aside, serial, while_another_reads};
use handle_table::HandleTable;

type Table = HandleTable<Arc<()>>;

fn tables() -> [Table; 3] {
    let builder = HandleTable::builder;
    [
        builder().shards(8).build(),
        builder().shards(1).build(),
        builder().shards(2).max_handles(1 << 20).build(),
    ]
}

/// Whether the table has dropped its clone.
fn dropped(value: &Arc<()>) -> bool {
    Arc::strong_count(value) == 1
}

#[test]
fn flush_leaves_what_it_could_drop() {
    let _serial = serial();
    for table in tables() {
        let value = Arc::new(());
        for n in [1, 255, 256, 257, 1000] {
            let handles: Vec<_> = (0..n).map(|_| table.insert(Arc::clone(&value))).collect();
            handles.iter().for_each(|h| table.remove(*h).unwrap());
            table.flush();
            assert!(dropped(&value), "{n}: {}", table.stats());
            assert_eq!(table.stats().pending, 0);
        }
    }
}

#[test]
fn flush_leaves_what_idle_or_ended_threads_have_deleted() {
    let _serial = serial();
    for table in tables() {
        let value = Arc::new(());
        let insert = || {
            (0..10)
                .map(|_| table.insert(Arc::clone(&value)))
                .collect::<Vec<_>>()
        };
        let (ended, idle) = (insert(), insert());
        aside(|| ended.iter().for_each(|h| table.remove(*h).unwrap()));
        let (stop, is_stopped) = channel::<()>();
        let (ready, is_ready) = channel();
        thread::scope(|scope| {
            let table = &table;
            scope.spawn(move || {
                idle.iter().for_each(|h| table.remove(*h).unwrap());
                ready.send(()).unwrap();
                let _ = is_stopped.recv();
            });
            is_ready.recv().unwrap();
            table.flush();
            assert!(dropped(&value), "{}", table.stats());
            drop(stop);
        });
    }
}

#[test]
fn flush_gives_up_when_much_has_piled_up_behind_a_reader() {
    let _serial = serial();
    for table in tables() {
        let value = Arc::new(());
        let pinned = table.pin();
        for _ in 0..20_000 {
            let handle = table.insert(Arc::clone(&value));
            table.remove(handle).unwrap();
        }
        assert_eq!(Arc::strong_count(&value), 20_001, "the reader may see them");
        drop(pinned);
        table.flush();
        assert!(dropped(&value), "{}", table.stats());
        // Nor by what the pile itself has left behind in the collector.
        table.remove(table.insert(Arc::clone(&value))).unwrap();
        table.flush();
        assert!(dropped(&value), "{}", table.stats());
    }
}

#[test]
fn flush_gives_up_when_many_threads_have_ended_behind_a_reader() {
    let _serial = serial();
    for table in tables() {
        let value = Arc::new(());
        let pinned = table.pin();
        // Each leaves some bags in the collector's queue.
        for _ in 0..300 {
            let remove = || table.remove(table.insert(Arc::clone(&value)));
            thread::scope(|scope| scope.spawn(remove).join().unwrap()).unwrap();
        }
        assert_eq!(Arc::strong_count(&value), 301, "the reader may see them");
        drop(pinned);
        table.flush();
        assert!(dropped(&value), "{}", table.stats());
    }
}

#[test]
fn quiesce_keeps_the_slots_of_batches_that_are_never_full() {
    let _serial = serial();
    for table in tables() {
        for _ in 0..1_000 {
            table.remove(table.insert(Arc::new(()))).unwrap();
            table.quiesce().unwrap();
        }
        let stats = table.stats();
        assert!(stats.vacant + stats.pending < 100, "{stats}");
    }
}

#[test]
fn remove_now_gives_up_when_much_has_piled_up_behind_a_reader() {
    let _serial = serial();
    for table in tables() {
        let (before, value) = (Arc::new(()), Arc::new(()));
        let pinned = table.pin();
        for _ in 0..20_000 {
            table.remove(table.insert(Arc::clone(&before))).unwrap();
        }
        drop(pinned);
        table.remove_now(table.insert(Arc::clone(&value))).unwrap();
        assert!(dropped(&value), "{}", table.stats());
    }
}

#[test]
fn remove_now_returns_before_the_drop_though_no_one_reads() {
    let _serial = serial();
    for table in tables() {
        for _ in 0..1_000 {
            let value = Arc::new(());
            table.remove_now(table.insert(Arc::clone(&value))).unwrap();
            assert!(dropped(&value));
        }
    }
}

#[test]
fn remove_now_drops_under_a_ref_of_its_own_thread() {
    let _serial = serial();
    for table in tables() {
        let value = Arc::new(());
        let handle = table.insert(Arc::clone(&value));
        let held = table.get(handle).unwrap();
        table.remove_now(handle).unwrap();
        table.flush();
        assert_eq!(Arc::strong_count(&held), 2);
        assert_eq!(table.stats().pending, 1);
        drop(held);
        assert!(!dropped(&value), "dropping a Ref runs no user code");
        table.flush();
        assert!(dropped(&value));
    }
}

#[test]
fn remove_now_drops_under_a_ref_of_another_thread_or_waits_for_it() {
    let _serial = serial();
    for table in tables() {
        let value = Arc::new(());
        let handle = table.insert(Arc::clone(&value));
        while_another_reads(&table, Some(handle), || {
            table.remove_now(handle).unwrap();
            assert!(!dropped(&value));
            table.flush();
            assert!(!dropped(&value));
        });
        table.flush();
        assert!(dropped(&value));
    }
}

#[test]
fn a_reader_of_one_table_does_not_hold_up_another() {
    let _serial = serial();
    // It does, as documented: all tables share one collector.
    let (one, two) = (Table::new(), Table::new());
    let value = Arc::new(());
    let handle = two.insert(Arc::clone(&value));
    while_another_reads(&one, None, || {
        two.remove_now(handle).unwrap();
        assert!(!dropped(&value));
    });
    two.quiesce().unwrap();
    assert!(dropped(&value));
}

#[test]
fn remove_ref_drops_under_its_own_result() {
    let _serial = serial();
    for table in tables() {
        let value = Arc::new(());
        let handle = table.insert(Arc::clone(&value));
        let last = table.remove_ref(handle).unwrap();
        assert!(!table.contains(handle));
        aside(|| table.flush());
        assert_eq!(Arc::strong_count(&last), 2);
        drop(last);
        table.flush();
        assert!(dropped(&value));
    }
}

#[test]
fn a_value_waits_for_more_than_five_batches_of_deletes() {
    let _serial = serial();
    for table in tables() {
        for _ in 0..20 {
            let value = Arc::new(());
            table.remove(table.insert(Arc::clone(&value))).unwrap();
            for _ in 0..5 * 256 {
                table.remove(table.insert(Arc::new(()))).unwrap();
            }
            assert!(dropped(&value));
        }
    }
}

/// Those that own no shard count their deletes in a word with less room than a batch may need: then
/// no batch would ever be full, and on 32-bit the table would be before this ends.
#[test]
fn plain_values_of_threads_without_a_shard_are_retired() {
    let _serial = serial();
    let table = HandleTable::builder().shards(1).build();
    for number in 0..1_200_000_u32 {
        let handle = table.try_insert(number).unwrap();
        table.remove(handle).unwrap();
    }
    table.quiesce().unwrap();
    assert_eq!(table.stats().pending, 0);
}
