//! Who is in the way can be told.

use std::{
    sync::{mpsc::channel, Mutex},
    thread,
    time::Duration,
};

use handle_table::{readers, HandleTable, QuiesceError};

use crate::{common::eventually, leak, serial::serial, OnDrop, Reader};

#[test]
fn readers_tells_each_thread_that_holds_a_guard() {
    let _serial = serial();
    let table = leak(HandleTable::new());
    let handle = table.insert(7_u8);
    assert_eq!(readers(), []);
    assert_eq!(table.stats().oldest_reader, None);
    let names = ["first", "second", "third"];
    let threads = names.map(|name| Reader::named(name, table, Some(handle)));
    let mut found: Vec<_> = readers().iter().map(|r| r.name().unwrap().to_owned()).collect();
    found.sort();
    assert_eq!(found, names);
    let ids: Vec<_> = readers().iter().map(handle_table::Reader::id).collect();
    if cfg!(any(target_os = "linux", windows)) {
        assert!(ids.iter().all(Option::is_some), "{ids:?}");
        assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2], "{ids:?}");
    }
    threads[1].let_go();
    let names: Vec<_> = readers().iter().filter_map(|r| r.name().map(str::to_owned)).collect();
    assert_eq!((names.len(), names.contains(&"second".into())), (2, false));
    threads.iter().step_by(2).for_each(Reader::let_go);
    assert_eq!(readers(), []);
    assert_eq!(table.stats().oldest_reader, None);
    threads.into_iter().for_each(Reader::end);
}

#[test]
fn the_oldest_reader_comes_first_and_has_an_age() {
    let _serial = serial();
    let table = leak(HandleTable::<String>::new());
    let old = Reader::named("old", table, None);
    // From here on it is known to be in the way.
    table.remove(table.insert("value".into())).unwrap();
    let pause = Duration::from_millis(20);
    thread::sleep(pause);
    let young = Reader::named("young", table, None);
    let found = readers();
    let names: Vec<_> = found.iter().map(|reader| reader.name().unwrap()).collect();
    assert_eq!(names, ["old", "young"]);
    assert!(found[0].held_for() >= pause / 2, "{found:?}");
    assert!(found[1].held_for() < found[0].held_for(), "{found:?}");
    assert!(table.stats().oldest_reader.unwrap() >= found[0].held_for());
    let words = found[0].to_string();
    assert!(words.contains("old"), "{words}");

    // A later guard of the same thread begins anew.
    old.let_go();
    old.end();
    let again = Reader::named("old", table, None);
    let age = readers().iter().find(|reader| reader.name() == Some("old")).unwrap().held_for();
    assert!(age < pause / 2, "{age:?}");
    for reader in [young, again] {
        reader.let_go();
        reader.end();
    }
}

/// What was known of the first guard was told of the second one, unless a value was deleted in
/// between.
#[test]
fn a_later_guard_has_an_age_of_its_own_though_nothing_was_deleted() {
    let _serial = serial();
    let table = HandleTable::<u8>::new();
    let pause = Duration::from_millis(20);
    let old = table.pin();
    assert_eq!(readers().len(), 1);
    thread::sleep(pause);
    assert!(readers()[0].held_for() >= pause);
    drop(old);
    let _young = table.pin();
    let age = readers()[0].held_for();
    assert!(age < pause, "{age:?}");
}

#[test]
fn a_wait_that_times_out_names_no_reader_that_came_later() {
    let _serial = serial();
    let table = leak(HandleTable::new());
    let (begun, is_begun) = channel();
    let (end, may_end) = channel();
    let may_end = Mutex::new(may_end);
    let drops = move || {
        begun.send(()).unwrap();
        may_end.lock().unwrap().recv().unwrap();
    };
    let handle = table.insert(OnDrop::new(drops));
    let drops = thread::spawn(move || table.remove(handle));
    is_begun.recv().unwrap();
    eventually("a wait that began before the reader", || {
        let wait = || table.quiesce_timeout(Duration::from_millis(100));
        let waits = thread::spawn(wait);
        thread::sleep(Duration::from_millis(20));
        let _reader = table.pin();
        waits.join().unwrap() == Err(QuiesceError::TimedOut { reader: None })
    });
    end.send(()).unwrap();
    drops.join().unwrap().unwrap();
}

#[test]
fn a_wait_that_times_out_names_the_reader() {
    let _serial = serial();
    fn check<T: Send + Sync + 'static>(value: T) {
        let table = leak(HandleTable::new());
        let handle = table.insert(value);
        let reader = Reader::named("in the way", table, Some(handle));
        table.remove(handle).unwrap();
        let timed_out = table.quiesce_timeout(Duration::from_millis(5));
        let Err(QuiesceError::TimedOut { reader: Some(named) }) = timed_out else {
            panic!("{timed_out:?}")
        };
        assert_eq!(named.name(), Some("in the way"));
        assert_eq!(named.id().is_some(), cfg!(any(target_os = "linux", windows)));
        let words = timed_out.unwrap_err().to_string();
        assert!(words.contains("in the way"), "{words}");
        reader.let_go();
        assert_eq!(table.quiesce_timeout(Duration::from_secs(600)), Ok(()));
        assert_eq!(table.quiesce_timeout(Duration::ZERO), Ok(()), "there is nothing to wait for");
        assert_eq!(table.quiesce_timeout(Duration::MAX), Ok(()));
        reader.end();
    }
    check(String::from("a value with a destructor"));
    check(7_u64);
}
