//! Values are dropped by their own delete while nobody reads. Alone in its process, one test at a
//! time: a reader of another test would be in the way, and all allocations are counted.
#![cfg(not(loom))]
#![allow(unsafe_code)]

#[path = "../common/allocated.rs"]
mod allocated;
#[path = "../common/census.rs"]
mod census;
#[path = "../common/kinds.rs"]
mod kinds;
#[path = "../common/serial.rs"]
mod serial;
#[path = "../common/storm.rs"]
mod storm;

use std::{
    fs::File,
    sync::{
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc::{channel, Receiver, Sender, TryRecvError},
        Arc,
    },
    thread,
};

use handle_table::{Handle, HandleTable};

use allocated::peak_of;
use census::Census;
use kinds::table_kinds;
use serial::serial;
use storm::storm;

#[test]
fn ten_thousand_bodies_of_a_mebibyte_take_the_memory_of_a_few() {
    let _serial = serial();
    for table in table_kinds::<Vec<u8>>() {
        let peak = peak_of(|| {
            for _ in 0..10_000 {
                let handle = table.insert(vec![0; 1 << 20]);
                table.remove(handle).unwrap();
            }
        });
        assert!(peak < 8 << 20, "{peak} bytes");
    }
}

#[test]
fn files_in_a_loop_are_never_open_two_at_a_time() {
    let _serial = serial();
    let open =
        || File::open(std::env::current_exe().unwrap()).expect("files are open for too long");
    // The lowest free number, which the next file gets if this one is closed.
    #[cfg(unix)]
    let number = |file: &File| std::os::fd::AsRawFd::as_raw_fd(file);
    #[cfg(not(unix))]
    let number = |_: &File| 0;
    let first = number(&open());
    for table in table_kinds() {
        for _ in 0..2_000 {
            let file = open();
            assert_eq!(number(&file), first, "another file is still open");
            table.remove(table.insert(file)).unwrap();
        }
    }
}

#[test]
fn the_receiver_of_a_removed_sender_hears_it_at_once() {
    let _serial = serial();
    type Way = fn(&HandleTable<Sender<()>>, Handle<Sender<()>>);
    let ways: [Way; 6] = [
        |table, handle| table.remove(handle).unwrap(),
        |table, handle| assert!(table.remove_now(handle).unwrap()),
        |table, handle| drop(table.remove_ref(handle).unwrap()),
        |table, handle| assert_eq!(table.retain(|each, _| each != handle), 1),
        |table, _| assert_eq!(table.clear(), 1),
        |table, handle| {
            let sender = table.cloned(handle).unwrap();
            table.remove(handle).unwrap();
            Handle::new(sender).delete();
        },
    ];
    for table in table_kinds() {
        for (nth, way) in ways.iter().enumerate() {
            let (sender, receiver) = channel();
            let handle = table.insert(sender);
            assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
            way(&table, handle);
            assert_has_hung_up(&receiver, nth);
            assert_eq!(table.stats().pending, 0);
        }
    }
}

#[track_caller]
fn assert_has_hung_up(receiver: &Receiver<()>, way: usize) {
    let heard = receiver.try_recv();
    assert_eq!(heard, Err(TryRecvError::Disconnected), "way {way}: the sender is still there");
}

#[test]
fn nothing_is_pending_after_a_remove() {
    let _serial = serial();
    for table in table_kinds() {
        let kept = table.insert(String::from("kept"));
        for n in 0..2_000 {
            let handle = table.insert(n.to_string());
            // A reader that has let go is in nobody's way.
            assert_eq!(*table.get(kept).unwrap(), "kept");
            table.remove(handle).unwrap();
            let stats = table.stats();
            assert_eq!((stats.live, stats.pending), (1, 0), "{stats}");
        }
    }
}

/// Nobody looks anything up, so each value must go with its delete, however many delete.
#[test]
fn in_a_storm_of_deletes_each_value_is_dropped_before_its_delete_returns() {
    let _serial = serial();
    for table in table_kinds() {
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for n in 0..20_000 {
                        let value = Arc::new(n);
                        let handle = table.insert(Arc::clone(&value));
                        table.remove(handle).unwrap();
                        assert_eq!(Arc::strong_count(&value), 1, "it waits, at {n}");
                    }
                });
            }
        });
        assert_eq!(table.stats().pending, 0);
    }
}

#[test]
fn in_a_storm_with_readers_nothing_is_pending_once_they_have_let_go() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    let (rounds, turns) = if cfg!(debug_assertions) { (100, 200) } else { (300, 500) };
    for table in table_kinds() {
        assert_eq!(storm(&table, &CENSUS, rounds, turns), 0, "values waited for a later call");
    }
}

#[test]
fn a_chain_of_a_million_is_dropped_before_the_delete_of_its_head_returns() {
    let _serial = serial();
    /// A linked list in a table: each link deletes the next.
    struct Link(Option<Handle<Link>>);
    impl Drop for Link {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, SeqCst);
            if let Some(next) = self.0.take() {
                let _ = LIST.remove(next);
            }
        }
    }
    static LIST: HandleTable<Link> = HandleTable::builder().shards(2).build();
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    // More do not fit into a table of a smaller build.
    const LENGTH: usize = match usize::BITS {
        _ if cfg!(handle_table_small) => 100_000,
        64 => 1_000_000,
        _ => 500_000,
    };
    // 64 KiB: if one drop ran inside the other, the first thousand would overflow it.
    let small = thread::Builder::new().stack_size(64 << 10);
    let chain = small.spawn(|| {
        let head = (0..LENGTH).fold(None, |next, _| Some(LIST.insert(Link(next))));
        LIST.remove(head.unwrap()).unwrap();
        assert_eq!(DROPPED.load(SeqCst), LENGTH);
    });
    chain.unwrap().join().unwrap();
    let stats = LIST.stats();
    assert_eq!((stats.live, stats.pending, stats.drop_panics), (0, 0, 0));
}
