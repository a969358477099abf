//! A thread without a shard uses the slots that an owner has too many of. Alone in its process, in
//! which one thread must own the one shard that can be owned.
#![cfg(not(loom))]

use std::thread;

use handle_table::{HandleTable, Stats};

/// More than what an owner takes at a time of the slots that others have returned.
const RETURNED: usize = 20_000;
/// With so many in use an owner looks for returned slots before it uses new ones.
const KEPT: usize = 5_000;

/// The second thread's slots go from shard 0 to the owner, who takes some and leaves the rest. The
/// insert of one more once gave up a generation of all the rest.
#[test]
fn an_insert_uses_up_one_handle_however_many_slots_are_left_to_it() {
    let table = HandleTable::builder().shards(2).build();
    let insert = |_| table.insert(String::new());
    let mut kept: Vec<_> = (0..KEPT).map(insert).collect();
    thread::scope(|scope| {
        scope.spawn(|| {
            let handles: Vec<_> = (0..RETURNED).map(insert).collect();
            handles.into_iter().for_each(|handle| table.remove(handle).unwrap());
        });
    });
    let used = |since: Stats| {
        let now = table.stats();
        (now.issued - since.issued, since.remaining - now.remaining)
    };
    let before = table.stats();
    kept.extend((0..KEPT).map(insert));
    assert_eq!(used(before), (KEPT as u64, KEPT as u64));
    let before = table.stats();
    thread::scope(|scope| {
        scope.spawn(|| {
            let _kept = insert(0);
        });
    });
    assert_eq!(used(before), (1, 1));
    assert_eq!(table.len(), kept.len() + 1);
}
