//! How many deleted values wait while no one reads. Alone in its process, since any reader would
//! make it more.
#![cfg(not(loom))]

use std::{
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    thread,
};

use handle_table::HandleTable;

static UNDROPPED: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

struct Kilobyte(#[allow(dead_code)] [u8; 1024]);

impl Kilobyte {
    fn new() -> Self {
        let now = UNDROPPED.fetch_add(1, Relaxed) + 1;
        MOST.fetch_max(now, Relaxed);
        Self([7; 1024])
    }
}

impl Drop for Kilobyte {
    fn drop(&mut self) {
        UNDROPPED.fetch_sub(1, Relaxed);
    }
}

#[test]
fn garbage_is_bounded_although_threads_are_preempted() {
    for shards in [8, 1] {
        MOST.store(0, Relaxed);
        let table = HandleTable::builder().shards(shards).build();
        thread::scope(|scope| {
            let churn = || {
                for _ in 0..100_000 {
                    table.remove(table.insert(Kilobyte::new())).unwrap();
                }
            };
            for _ in 0..3 {
                scope.spawn(churn);
            }
        });
        let most = MOST.load(Relaxed);
        // 64 MB. On an otherwise idle machine it is 3,000 to 8,000 values.
        assert!(most < 65_536, "{most} values waited, in {shards} shards");
        table.quiesce().unwrap();
        assert_eq!(UNDROPPED.load(Relaxed), 0);
    }
}
