//! Single operations of this crate, without peers, for work on a hot path:
//! `cargo bench -p benches --bench ops`.

// Links the package's allocator: see the feature `mimalloc`.
use benches as _;

use std::sync::Arc;

use divan::{black_box, Bencher};
use handle_table::{Handle, HandleTable};

fn main() {
    divan::main();
}

// The sample size is set where divan would choose too small a one, misled by the first call, which
// makes the table.

fn table_of(values: u64) -> (HandleTable<u64>, Vec<Handle<u64>>) {
    let table = HandleTable::new();
    let handles = (0..values).map(|number| table.insert(number)).collect();
    (table, handles)
}

#[divan::bench(threads = [1, 2], sample_size = 4096)]
fn insert_remove(bencher: Bencher) {
    let table = HandleTable::new();
    bencher.bench(|| table.remove(black_box(table.insert(black_box(7_u64)))));
}

#[divan::bench(sample_size = 4096)]
fn insert_with_remove(bencher: Bencher) {
    let table = HandleTable::new();
    bencher.bench(|| table.remove(black_box(table.insert_with(|handle| handle.to_raw()))));
}

#[divan::bench(sample_size = 4096)]
fn insert_remove_ref(bencher: Bencher) {
    let table = HandleTable::new();
    bencher.bench(|| {
        let handle = black_box(table.insert(black_box(7_u64)));
        table.remove_ref(handle).map(|value| *value)
    });
}

#[divan::bench]
fn insert_remove_now(bencher: Bencher) {
    let table = HandleTable::new();
    bencher.bench(|| table.remove_now(black_box(table.insert(black_box(7_u64)))));
}

#[divan::bench(threads = [1, 2], sample_size = 4096)]
fn get(bencher: Bencher) {
    let (table, handles) = table_of(1);
    bencher.bench(|| table.get(black_box(handles[0])).map(|value| *value));
}

#[divan::bench]
fn get_deleted(bencher: Bencher) {
    let (table, handles) = table_of(1);
    table.remove(handles[0]).expect("the value is live");
    bencher.bench(|| table.get(black_box(handles[0])).is_err());
}

#[divan::bench]
fn contains(bencher: Bencher) {
    let (table, handles) = table_of(1);
    bencher.bench(|| table.contains(black_box(handles[0])));
}

#[divan::bench]
fn cloned_arc(bencher: Bencher) {
    let table = HandleTable::new();
    let handle = table.insert(Arc::new(7_u64));
    bencher.bench(|| table.cloned(black_box(handle)));
}

#[divan::bench]
fn pin(bencher: Bencher) {
    let (table, _) = table_of(1);
    bencher.bench(|| drop(black_box(table.pin())));
}

#[divan::bench]
fn pinned_get(bencher: Bencher) {
    let (table, handles) = table_of(1);
    // `bench_local`, since a `Pinned` stays on the thread that made it.
    let pinned = table.pin();
    bencher.bench_local(|| pinned.get(black_box(handles[0])).copied());
}

#[divan::bench]
fn pinned_repin(bencher: Bencher) {
    let (table, _) = table_of(1);
    let mut pinned = table.pin();
    bencher.bench_local(|| pinned.repin());
}

#[divan::bench(sample_size = 4096)]
fn any_new_delete(bencher: Bencher) {
    bencher.bench(|| black_box(Handle::new(black_box(7_u64))).try_delete());
}

#[divan::bench(sample_size = 4096)]
fn any_new_delete_boxed(bencher: Bencher) {
    bencher.bench(|| black_box(Handle::new(black_box([7_u64; 8]))).try_delete());
}

#[divan::bench]
fn any_value(bencher: Bencher) {
    let handle = Handle::new(7_u64);
    bencher.bench(|| black_box(handle).try_value::<u64>().map(|value| *value));
    handle.delete();
}
