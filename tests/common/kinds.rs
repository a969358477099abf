//! The kinds of tables: all tests of what holds for every table go through these.

use handle_table::HandleTable;

/// One new table of each kind that takes code paths of its own. Its name is printed when its turn
/// comes, so that a failed test's output ends with the kind that failed. No test fills the limit.
pub(crate) fn table_kinds<T>() -> impl Iterator<Item = HandleTable<T>> {
    let builder = HandleTable::builder;
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
