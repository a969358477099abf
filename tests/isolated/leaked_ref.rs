//! A `Ref` leaked by `mem::forget` holds up all drops, and can be found. Alone in its process, in
//! which nothing can be dropped after that.
#![cfg(not(loom))]

#[path = "../common/census.rs"]
#[allow(dead_code)] // It needs some of it.
mod census;

use std::{mem, thread, time::Duration};

use handle_table::{readers, HandleTable, QuiesceError};

use census::Census;

#[test]
fn a_leaked_ref_is_shown_with_its_thread_and_its_age() {
    static CENSUS: Census = Census::new();
    static TABLE: HandleTable<census::Witness> = HandleTable::new();
    let handle = TABLE.insert(CENSUS.witness(7));
    let leak = move || mem::forget(TABLE.get(handle).unwrap());
    let leaky = thread::Builder::new().name("leaky".into()).spawn(leak).unwrap();
    leaky.join().unwrap();

    let table = HandleTable::new();
    for n in 0..1_000 {
        // The readers from after the delete come and go.
        let handle = table.insert(CENSUS.witness(n));
        assert_eq!(table.get(handle).unwrap().look(), n);
        assert_eq!(table.remove_now(handle), Ok(false));
    }
    assert_eq!(table.flush(), 0);
    assert_eq!((table.stats().pending, CENSUS.left()), (1_000, 1_001));

    thread::sleep(Duration::from_millis(20));
    let _pinned = TABLE.pin();
    let found = readers();
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[0].name(), Some("leaky"));
    assert!(found[0].held_for() >= Duration::from_millis(20), "{found:?}");
    let age = table.stats().oldest_reader;
    assert!(age >= Some(found[0].held_for()), "{age:?}");
    drop(_pinned);
    let timed_out = table.quiesce_timeout(Duration::from_millis(5));
    let Err(QuiesceError::TimedOut { reader: Some(reader) }) = timed_out else {
        panic!("{timed_out:?}")
    };
    assert_eq!(reader.name(), Some("leaky"));

    // No other thread gets the lease, and so no other name hides this one.
    for _ in 0..20 {
        thread::spawn(|| drop(TABLE.pin())).join().unwrap();
    }
    assert_eq!(readers()[0].name(), Some("leaky"));

    // A table takes its values along, whoever reads others.
    drop(table);
    assert_eq!(CENSUS.left(), 1);
    TABLE.remove(handle).unwrap();
    assert_eq!(CENSUS.left(), 1, "the leaked reader may see it for ever");
}
