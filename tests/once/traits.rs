//! What a table is to the compiler.

use std::{
    cell::Cell,
    iter::FusedIterator,
    panic::{RefUnwindSafe, UnwindSafe},
    rc::Rc,
    sync::{mpsc, MutexGuard},
};

use handle_table::{Builder, Drain, OnceTable};

static PLAIN: OnceTable<String> = OnceTable::new();
static BUILT: OnceTable<u32> = OnceTable::builder().shards(4).max_handles(2).build();
const BUILDER: Builder<OnceTable<u8>> = OnceTable::builder().shards(2);
static FROM_CONST: OnceTable<u8> = BUILDER.build();

#[test]
fn a_table_can_be_a_static() {
    let handle = PLAIN.insert(String::from("text"));
    assert_eq!(PLAIN.take(handle).as_deref(), Ok("text"));
    let handles = [1, 2].map(|number| BUILT.insert(number));
    assert_eq!(BUILT.try_insert(3).unwrap_err().into_inner(), 3);
    assert_eq!(handles.map(|handle| BUILT.take(handle)), [Ok(1), Ok(2)]);
    let handle = FROM_CONST.insert(7);
    assert_eq!(FROM_CONST.take(handle), Ok(7));
    let shards = |set| if cfg!(feature = "sharded") { set } else { 1 };
    assert_eq!((BUILT.stats().shards, FROM_CONST.stats().shards), (shards(4), shards(2)));
}

#[test]
fn a_table_of_values_that_are_send_is_sync() {
    fn assert_send_sync<T: Send + Sync>() {}
    fn assert_unwind_safe<T: UnwindSafe + RefUnwindSafe>() {}
    fn assert_fused<I: FusedIterator>(_: I) {}

    assert_send_sync::<OnceTable<String>>();
    // Not `Sync`, as no value needs to be.
    assert_send_sync::<OnceTable<Cell<u8>>>();
    assert_send_sync::<OnceTable<mpsc::Receiver<u8>>>();
    assert_send_sync::<OnceTable<Box<dyn FnOnce() + Send>>>();
    assert_send_sync::<Drain<'_, Cell<u8>>>();
    // Also for values that nobody can insert.
    assert_unwind_safe::<OnceTable<Rc<Cell<u8>>>>();
    assert_fused(OnceTable::<u8>::new().drain());
}

/// Whether a type has a trait, as a `bool`: the inherent constant is chosen where its bound holds,
/// the trait's constant elsewhere.
macro_rules! is_impl {
    ($T:ty: $Trait:ident) => {{
        #[allow(dead_code)]
        trait Otherwise {
            const IS: bool = false;
        }
        impl<T: ?Sized> Otherwise for T {}
        struct Probe<T: ?Sized>(std::marker::PhantomData<T>);
        #[allow(dead_code)]
        impl<T: ?Sized + $Trait> Probe<T> {
            const IS: bool = true;
        }
        <Probe<$T>>::IS
    }};
}

#[test]
fn a_table_of_values_that_are_not_send_is_neither_send_nor_sync() {
    assert!(is_impl!(OnceTable<Cell<u8>>: Send) && is_impl!(OnceTable<Cell<u8>>: Sync));
    assert!(!is_impl!(OnceTable<Rc<u8>>: Send) && !is_impl!(OnceTable<Rc<u8>>: Sync));
    assert!(!is_impl!(Drain<'static, Rc<u8>>: Send) && !is_impl!(Drain<'static, Rc<u8>>: Sync));
    // `Sync` is not enough.
    assert!(!is_impl!(OnceTable<MutexGuard<'static, u8>>: Send));
    assert!(!is_impl!(OnceTable<MutexGuard<'static, u8>>: Sync));
}

#[test]
fn a_table_and_a_drain_show_themselves() {
    let table = OnceTable::default();
    let _handle = table.insert(Box::new(|| ()) as Box<dyn FnOnce() + Send>);
    assert_eq!(format!("{table:?}"), "OnceTable { len: 1, .. }");
    assert_eq!(format!("{:?}", table.drain()), "Drain { .. }");
}
