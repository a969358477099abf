//! Tables of values that are taken once. The tests run in parallel: those of `threads.rs` take all
//! leases for a while, and the others must not mind.
#![cfg(not(loom))]

#[path = "../common/mod.rs"]
mod common;

mod calls;
mod contention;
mod drain;
mod drops;
mod limits;
mod threads;
mod traits;
mod values;
mod verbs;

use handle_table::OnceTable;

/// One new table of each kind that takes code paths of its own. Its name is printed when its turn
/// comes, so that a failed test's output ends with the kind that failed. No test fills the limit.
fn kinds<T>() -> impl Iterator<Item = OnceTable<T>> {
    let builder = OnceTable::builder;
    let kinds = [
        ("a shard for each thread", builder()),
        ("one shard, shared by all threads", builder().shards(1)),
        ("one shard owned, one shared", builder().shards(2)),
        ("limited", builder().shards(2).max_handles(1 << 20)),
    ];
    kinds.into_iter().map(|(name, builder)| {
        println!("kind of table: {name}");
        builder.build()
    })
}

/// Nothing is in the table, and nothing waits.
#[track_caller]
fn assert_empty<T>(table: &OnceTable<T>) {
    let stats = table.stats();
    assert_eq!((table.len(), stats.live, stats.pending), (0, 0, 0), "{stats}");
}
