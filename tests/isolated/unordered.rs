//! Handles that reach their readers through relaxed stores: the table alone orders a value's making
//! before the readers' looks, and these before its drop. Values are plain memory, so that
//! ThreadSanitizer sees each lost edge, see `.ci/tsan`. Alone in its process: no other test's locks
//! order anything here.
#![cfg(not(loom))]

use std::{
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    thread,
};

use handle_table::{Handle, HandleTable};

/// Values that each reader finds before the deleters stop.
const HITS: usize = if cfg!(debug_assertions) { 20_000 } else { 200_000 };

#[test]
fn a_table_orders_a_value_before_its_readers_and_these_before_its_drop() {
    static SHOWN: [AtomicUsize; 2] = [const { AtomicUsize::new(0) }; 2];
    static READING: AtomicUsize = AtomicUsize::new(2);
    // The drop of a value frees what a reader looks at.
    let table = HandleTable::<Vec<usize>>::new();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut hits = 0;
                while hits < HITS {
                    let raw = SHOWN[hits % 2].load(Relaxed);
                    let Ok(handle) = Handle::from_raw(raw) else { continue };
                    if let Ok(value) = table.get(handle) {
                        hits += 1;
                        if hits % 8 == 0 {
                            // Meanwhile it is deleted.
                            thread::yield_now();
                        }
                        assert_eq!(value[0], !value[1], "half made, or dropped");
                    }
                }
                READING.fetch_sub(1, Relaxed);
            });
        }
        for shown in &SHOWN {
            let table = &table;
            scope.spawn(move || {
                for n in (0_usize..).take_while(|_| READING.load(Relaxed) > 0) {
                    let handle = table.insert(vec![n, !n]);
                    if let Ok(old) = Handle::from_raw(shown.swap(handle.to_raw(), Relaxed)) {
                        table.remove(old).unwrap();
                    }
                    thread::yield_now();
                }
            });
        }
    });
    assert_eq!(table.clear(), 2);
    assert_eq!(table.stats().pending, 0);
}
