//! What the types can do, and what they can't.

use std::{
    fmt::Debug,
    panic::{RefUnwindSafe, UnwindSafe},
};

use handle_table::{AnyTable, IterAny, PinnedAny, ReservedAny, TypeStats};

use crate::{common::on_new_thread, panic_of, serial::serial};

/// Has two candidates for `_`, and so does not compile, if `T` is `Send`.
trait NotSend<Ambiguous> {
    const HOLDS: bool = true;
}

impl<T> NotSend<()> for T {}
impl<T: Send> NotSend<u8> for T {}

#[test]
fn a_table_is_for_all_threads_and_a_pin_for_one() {
    fn shared<T: Send + Sync + UnwindSafe + RefUnwindSafe + Unpin + Default + Debug>() {}
    fn value<T: Send + Sync + Copy + Ord + Debug>() {}
    fn shown<T: Debug>() {}
    shared::<AnyTable>();
    value::<handle_table::Handle<dyn std::any::Any>>();
    shown::<(PinnedAny<'_>, IterAny<'_>, ReservedAny<'_>, TypeStats)>();
    const { assert!(<PinnedAny<'_> as NotSend<_>>::HOLDS) };
}

#[test]
fn a_table_shows_how_many_values_it_has() {
    let _serial = serial();
    let table = AnyTable::default();
    let _handles = (table.insert(7), table.insert("seven"));
    assert_eq!(format!("{table:?}"), "AnyTable { len: 2, .. }");
    assert_eq!(format!("{:?}", table.pin()), "PinnedAny { .. }");
    assert_eq!(format!("{:?}", table.pin().iter()), "IterAny { .. }");
    let reserved = table.reserve();
    assert_eq!(format!("{reserved:?}"), format!("ReservedAny({:?})", reserved.handle()));
}

#[test]
fn another_thread_may_fill_a_reserved_handle() {
    let _serial = serial();
    let table = AnyTable::new();
    let reserved = table.reserve();
    let early = reserved.handle();
    assert_eq!(on_new_thread(|| reserved.fill(7_u8)), early);
    assert_eq!((table.cloned::<u8>(early), table.len()), (Ok(7), 1));
}

#[test]
fn a_panic_that_passes_a_table_leaves_it_whole() {
    let _serial = serial();
    let table = AnyTable::new();
    let kept = table.insert(1);
    let mut seen = None;
    let message = panic_of(|| {
        table.insert_with(|me| -> u8 {
            seen = Some(me);
            panic!("in make")
        })
    });
    assert_eq!((message.as_str(), table.len(), table.contains(kept)), ("in make", 1, true));
    assert!(seen.is_some_and(|me| !table.contains(me)));
    let handle = table.insert(2);
    assert_eq!(panic_of(|| table.get_in_signal(handle, |_: &i32| panic!("in f"))), "in f");
    assert_eq!(table.remove_now(handle), Ok(true));
}

#[test]
fn the_number_of_shards_is_as_it_was_set() {
    let _serial = serial();
    let table = AnyTable::builder().shards(64).build();
    let _handle = table.insert("value");
    assert_eq!(table.stats().shards, if cfg!(feature = "sharded") { 64 } else { 1 });
}
