//! Handles that one thread reserves while others fill them, drop them and look them up.

use std::{
    collections::HashSet,
    sync::{
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc::channel,
    },
    thread,
};

use handle_table::{Handle, HandleError, HandleTable, Reserved};

use crate::{
    common::{on_new_thread, run_concurrently, scaled, table_kinds, Census, Rng, Witness},
    reserve::is_deleted,
    slots::slots,
};

#[test]
fn another_thread_may_fill_or_drop_it() {
    static CENSUS: Census = Census::new();
    for table in table_kinds() {
        for n in 0..50 {
            let reserved = table.reserve();
            let handle = reserved.handle();
            let filled = on_new_thread(|| reserved.fill(CENSUS.witness(n)));
            assert_eq!(filled, handle);
            assert_eq!((table.get(handle).unwrap().look(), table.len()), (n, 1));
            table.remove(handle).unwrap();
            if n % 10 == 0 {
                // A reader of another test may be in the way for long.
                table.quiesce().unwrap();
            }

            let reserved = table.reserve();
            let handle = reserved.handle();
            on_new_thread(|| drop(reserved));
            assert!(is_deleted(handle, table.get(handle)));
            assert_eq!(table.len(), 0);
        }
        // Their slots come back to the thread that has reserved them.
        let stats = table.stats();
        let most = if cfg!(handle_table_small) { 100 } else { 32 };
        assert!(slots(stats) <= most, "{stats}");
    }
    // A thread that reserves may end before the handle is filled.
    let table = HandleTable::new();
    let reserved = on_new_thread(|| table.reserve());
    assert_eq!(table.cloned(reserved.fill(7)), Ok(7));
}

/// Two threads reserve what two others fill or drop, and two look up what they may.
#[test]
fn threads_see_no_value_the_whole_value_or_a_deleted_handle() {
    static CENSUS: Census = Census::new();
    const EACH: usize = scaled(2_000);
    for table in table_kinds::<(usize, Witness)>() {
        let shown: [AtomicUsize; 4] = Default::default();
        let value = |handle: Handle<_>| (handle.to_raw(), CENSUS.witness(handle.to_raw()));
        let look = |handle| match table.get(handle) {
            Ok(found) => assert_eq!([found.0, found.1.look()], [handle.to_raw(); 2]),
            Err(HandleError::NotYet { raw } | HandleError::Deleted { raw, .. }) => {
                assert_eq!(raw, handle.to_raw());
            }
            Err(other) => panic!("{other}"),
        };
        thread::scope(|scope| {
            let (table, shown, value, look) = (&table, &shown, &value, &look);
            for nth in 0..2 {
                let (give, take) = channel::<Reserved<'_, _>>();
                scope.spawn(move || {
                    for n in 0..EACH {
                        let reserved = table.reserve();
                        shown[2 * nth + n % 2].store(reserved.handle().to_raw(), SeqCst);
                        give.send(reserved).unwrap();
                    }
                });
                scope.spawn(move || {
                    for (n, reserved) in take.into_iter().enumerate() {
                        let handle = reserved.handle();
                        assert!(!table.contains(handle));
                        if n % 3 == 0 {
                            drop(reserved);
                        } else {
                            assert_eq!(reserved.fill(value(handle)), handle);
                            look(handle);
                            table.remove(handle).unwrap();
                        }
                    }
                });
                scope.spawn(move || {
                    let mut rng = Rng(nth as u64);
                    for _ in 0..4 * EACH {
                        if let Ok(handle) = Handle::from_raw(shown[rng.below(4)].load(SeqCst)) {
                            look(handle);
                        }
                    }
                });
            }
        });
        assert_eq!(table.len(), 0);
        table.quiesce().unwrap();
        let stats = table.stats();
        assert_eq!((stats.live, stats.pending), (0, 0), "{stats}");
        CENSUS.assert_all_dropped_once();
    }
}

#[test]
fn a_handle_is_reserved_by_one_thread_only() {
    for table in table_kinds() {
        let issued = run_concurrently(4, |nth| {
            let mut issued = Vec::new();
            for n in 0..scaled(500) {
                let reserved = [(); 3].map(|()| table.reserve());
                let inserted = table.insert([nth, n]);
                for (place, reserved) in reserved.into_iter().enumerate() {
                    issued.push(reserved.handle());
                    if place != n % 4 {
                        let handle = reserved.fill([nth, place]);
                        assert_eq!(table.cloned(handle), Ok([nth, place]));
                        table.remove(handle).unwrap();
                    }
                }
                assert_eq!(table.cloned(inserted), Ok([nth, n]));
                table.remove(inserted).unwrap();
                issued.push(inserted);
            }
            issued
        });
        let issued = issued.concat();
        assert_eq!(issued.iter().collect::<HashSet<_>>().len(), issued.len());
        assert!(table.is_empty());
        for handle in issued {
            assert!(is_deleted(handle, table.get(handle)));
        }
    }
}

#[test]
fn threads_that_reserve_never_pass_the_limit() {
    const LIMIT: usize = 3;
    let table = HandleTable::builder().shards(4).max_handles(LIMIT).build();
    // Counted up after a reservation and down before its end: never more than there are.
    let reserved = AtomicUsize::new(0);
    let times_full = run_concurrently(6, |nth| {
        let mut times_full = 0;
        for n in 0..2_000 {
            let Ok(one) = table.try_reserve() else {
                times_full += 1;
                thread::yield_now();
                continue;
            };
            let now = reserved.fetch_add(1, SeqCst) + 1;
            assert!(now <= LIMIT, "{now} handles are reserved");
            if n % 16 == nth {
                thread::yield_now(); // While it holds one, so that others meet the limit.
            }
            if n % 2 == 0 {
                reserved.fetch_sub(1, SeqCst);
                drop(one);
            } else {
                let handle = one.fill(n);
                reserved.fetch_sub(1, SeqCst);
                table.remove(handle).unwrap();
            }
        }
        times_full
    });
    assert!(times_full.iter().sum::<usize>() > 0, "the limit was never met");
    let all: Vec<_> = (0..).map_while(|_| table.try_reserve().ok()).collect();
    assert_eq!(all.len(), LIMIT, "the count is wrong after all threads");
}
