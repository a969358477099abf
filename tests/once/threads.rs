//! Threads without a shard or a lease, and threads that end.

use std::{
    cell::Cell,
    sync::{
        atomic::{AtomicUsize, Ordering::SeqCst},
        Barrier, LazyLock,
    },
    thread,
};

use handle_table::OnceTable;

use crate::{
    assert_empty,
    common::{on_new_thread, run_concurrently, scaled, Census, Witness},
    kinds,
};

#[test]
fn threads_without_a_shard_take_what_they_insert() {
    for shards in [1, 2, 4, 64] {
        let table = OnceTable::builder().shards(shards).build();
        // No thread ends, and gives its lease back, until all are done.
        let all_done = Barrier::new(24);
        run_concurrently(24, |nth| {
            let mut mine = Vec::new();
            for n in 0..400 {
                let value = nth * 1_000 + n;
                let handle =
                    if n % 3 == 0 { table.insert_with(|_| value) } else { table.insert(value) };
                mine.push((handle, value));
                if n % 2 == 1 {
                    let (handle, value) = mine.swap_remove(n / 2 % mine.len());
                    assert_eq!(table.take(handle), Ok(value));
                    assert!(table.remove(handle).is_err());
                }
            }
            for (handle, value) in mine {
                assert_eq!(table.take(handle), Ok(value));
            }
            all_done.wait();
        });
        assert_empty(&table);
    }
}

#[test]
fn more_threads_than_there_are_leases_take_each_others_values() {
    const THREADS: usize = scaled(1_100);
    static CENSUS: Census = Census::new();
    static TABLE: OnceTable<Witness> = OnceTable::builder().shards(1024).build();
    static HANDLES: [AtomicUsize; THREADS] = [const { AtomicUsize::new(0) }; THREADS];
    let gate = &Barrier::new(THREADS);
    thread::scope(|scope| {
        let spawn = |nth: usize| {
            let run = move || {
                let handle = TABLE.insert(CENSUS.witness(nth));
                HANDLES[nth].store(handle.to_raw(), SeqCst);
                gate.wait(); // By now each thread has a lease, or found none left.
                let other = (nth + THREADS / 2) % THREADS;
                let handle = handle_table::Handle::from_raw(HANDLES[other].load(SeqCst)).unwrap();
                assert_eq!(TABLE.take(handle).map(|value| value.look()), Ok(other));
                assert!(TABLE.take(handle).is_err());
                let handle = TABLE.insert(CENSUS.witness(nth));
                TABLE.remove(handle).unwrap();
            };
            let builder = thread::Builder::new().stack_size(128 << 10);
            builder.spawn_scoped(scope, run).unwrap();
        };
        (0..THREADS).for_each(spawn);
    });
    CENSUS.assert_all_dropped_once();
    assert_empty(&TABLE);
}

#[test]
fn threads_that_come_and_go_use_slots_again() {
    static CENSUS: Census = Census::new();
    let table = OnceTable::builder().shards(4).build();
    for _ in 0..scaled(500) {
        let left = run_concurrently(8, |nth| {
            let handles: Vec<_> = (0..4).map(|_| table.insert(CENSUS.witness(nth))).collect();
            handles[..3].iter().for_each(|handle| table.remove(*handle).unwrap());
            handles[3]
        });
        // The slots of all four shards, on one thread.
        on_new_thread(|| left.iter().for_each(|handle| drop(table.take(*handle).unwrap())));
    }
    CENSUS.assert_all_dropped_once();
    let stats = table.stats();
    // 16,000 values were in there, up to 32 at a time.
    let most = if cfg!(handle_table_small) { 16_000 / 4 } else { 1_000 };
    assert!(stats.vacant + stats.exhausted < most, "{stats}");
    assert_empty(&table);
}

/// A thread-local whose destructor runs a closure.
struct AtExit(Cell<Option<Box<dyn FnOnce()>>>);

impl Drop for AtExit {
    fn drop(&mut self) {
        if let Some(f) = self.0.take() {
            f();
        }
    }
}

thread_local! {
    static AT_EXIT: AtExit = const { AtExit(Cell::new(None)) };
}

/// A thread-local's destructor runs before those of the crate's own if it was registered later, and
/// after them if it was registered before the thread's first use of a table.
#[test]
fn a_table_works_in_a_destructor_of_a_thread_local() {
    static CENSUS: Census = Census::new();
    static TABLES: LazyLock<Vec<OnceTable<Witness>>> = LazyLock::new(|| kinds().collect());
    static DONE: AtomicUsize = AtomicUsize::new(0);
    let mut runs = 0;
    for (is_used_before, is_used_after) in [(true, false), (false, true), (false, false)] {
        for table in TABLES.iter() {
            runs += 1;
            let live = table.insert(CENSUS.witness(1));
            on_new_thread(move || {
                let use_it = || table.remove(table.insert(CENSUS.witness(0))).unwrap();
                if is_used_before {
                    use_it();
                }
                AT_EXIT.with(|at_exit| {
                    at_exit.0.set(Some(Box::new(move || {
                        // A panic here would abort, so the results are counted.
                        let taken = table.take(live).is_ok_and(|value| value.look() == 1);
                        let again = table.take(live).is_err();
                        let mine = [2, 3, 4].map(|n| table.insert(CENSUS.witness(n)));
                        let with = table.insert_with(|_| CENSUS.witness(5));
                        let two = table.take(mine[0]).is_ok_and(|value| value.look() == 2);
                        let three = table.remove(mine[1]).is_ok();
                        let rest = table.drain().map(|(_, value)| value.look()).sum::<usize>();
                        let gone = !table.contains(with) && table.is_empty();
                        if taken && again && two && three && rest == 9 && gone {
                            DONE.fetch_add(1, SeqCst);
                        }
                    })));
                });
                if is_used_after {
                    use_it();
                }
            });
            assert_empty(table);
        }
    }
    assert_eq!(DONE.load(SeqCst), runs);
    CENSUS.assert_all_dropped_once();
}

#[test]
fn a_value_may_take_others_in_its_own_drop_at_a_threads_end() {
    static CENSUS: Census = Census::new();
    static TABLE: OnceTable<Taker> = OnceTable::new();
    struct Taker(Option<handle_table::Handle<Taker>>, #[allow(dead_code)] Witness);
    impl Drop for Taker {
        fn drop(&mut self) {
            if let Some(next) = self.0 {
                drop(TABLE.take(next));
            }
        }
    }
    thread_local! {
        static KEPT: Cell<Option<Taker>> = const { Cell::new(None) };
    }
    let last = TABLE.insert(Taker(None, CENSUS.witness(0)));
    let first = TABLE.insert(Taker(Some(last), CENSUS.witness(1)));
    on_new_thread(move || KEPT.set(TABLE.take(first).ok()));
    CENSUS.assert_all_dropped_once();
    assert_empty(&TABLE);
}
