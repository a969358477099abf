//! What a handle and a table are to the compiler: sizes, statics, `Send`, `Sync`, order, `Debug`.
//! What must not compile is in `tests/compile_fail.rs`.

use std::{
    collections::{BTreeSet, HashSet},
    error::Error,
    ffi::c_void,
    panic::{RefUnwindSafe, UnwindSafe},
    sync::Arc,
};

use handle_table::{
    Builder, CallError, FullError, Handle, HandleError, HandleTable, InsertError, Iter, Pinned,
    QuiesceError, Ref, Reserved, Stats,
};

use crate::forge;

static PLAIN: HandleTable<String> = HandleTable::new();
static BUILT: HandleTable<u32> = HandleTable::builder().shards(4).max_handles(2).build();
const BUILDER: Builder<HandleTable<u8>> = HandleTable::builder().shards(2);
static FROM_CONST: HandleTable<u8> = BUILDER.build();
#[allow(clippy::declare_interior_mutable_const)]
const EMPTY: HandleTable<u8> = HandleTable::new();
static MANY: [HandleTable<u8>; 3] = [EMPTY; 3];
const FORGED: Result<Handle, HandleError> = Handle::from_raw(42);
const FORGED_POINTER: *mut c_void = match FORGED {
    Ok(handle) => handle.to_ptr(),
    Err(_) => std::ptr::null_mut(),
};

#[test]
fn a_table_can_be_a_static() {
    let handle = PLAIN.insert(String::from("text"));
    let value: Ref<'static, String> = PLAIN.get(handle).unwrap();
    assert_eq!(*value, "text");
    drop(value);
    PLAIN.remove(handle).unwrap();

    let _ = BUILT.insert(1);
    let _ = BUILT.insert(2);
    assert_eq!(BUILT.try_insert(3).unwrap_err().into_inner(), 3);

    let handle = FROM_CONST.insert(7);
    let pinned: Pinned<'static, u8> = FROM_CONST.pin();
    assert_eq!(pinned.get(handle), Ok(&7));

    let handles: Vec<_> = (0..).zip(&MANY).map(|(n, table)| table.insert(n)).collect();
    for (of, table) in handles.iter().zip(&MANY) {
        for handle in &handles {
            assert_eq!(table.contains(*handle), handle == of);
        }
    }
}

#[test]
fn a_handle_and_an_optional_handle_are_as_large_as_a_pointer() {
    assert_eq!(size_of::<Handle>(), size_of::<*mut c_void>());
    assert_eq!(align_of::<Handle>(), align_of::<*mut c_void>());
    assert_eq!(size_of::<Option<Handle>>(), size_of::<usize>());
    assert_eq!(size_of::<Result<Handle, ()>>(), size_of::<usize>());
}

#[allow(unsafe_code)]
#[test]
fn an_optional_handle_is_zero_for_none() {
    extern "C" fn callee(handle: Option<Handle>) -> usize {
        handle.map_or(0, Handle::to_raw)
    }
    // As C declares it.
    type Callee = extern "C" fn(usize) -> usize;
    // SAFETY: `Option<Handle>` is one word, `repr(transparent)` over `NonZeroUsize`.
    let callee =
        unsafe { std::mem::transmute::<extern "C" fn(Option<Handle>) -> usize, Callee>(callee) };
    assert_eq!(callee(0), 0);
    assert_eq!(callee(42), 42);
}

#[test]
fn a_handle_survives_the_way_through_c() {
    for raw in [1, 42, usize::MAX, 1 << (usize::BITS - 1)] {
        let handle: Handle = forge(raw);
        assert_eq!(handle.to_raw(), raw);
        assert_eq!(Handle::from_ptr(handle.to_ptr()), Ok(handle));
        assert_eq!(handle.to_ptr().addr(), raw);
    }
    assert_eq!(FORGED, Ok(forge(42)));
    assert_eq!(FORGED_POINTER.addr(), 42);
}

#[test]
fn order_hash_and_equality_are_those_of_the_integer() {
    let raws = [usize::MAX, 1, 7, 42, 7];
    let sorted: BTreeSet<_> = raws.map(forge::<u8>).into_iter().collect();
    let expected: BTreeSet<_> = raws.into_iter().collect();
    assert!(sorted.iter().map(|h| h.to_raw()).eq(expected));
    assert_eq!(raws.map(forge::<u8>).into_iter().collect::<HashSet<_>>().len(), 4);
    let (a, copy) = (forge::<u8>(7), forge(7));
    assert!(a == copy && a <= copy && a < forge(8));
    assert_eq!(format!("{:?}", forge::<u8>(0xC0DE)), "Handle(0xc0de)");
}

/// These compile only for types that have the trait.
fn is_send<T: Send + ?Sized>() {}
fn is_sync<T: Sync + ?Sized>() {}
fn is_unwind_safe<T: UnwindSafe + RefUnwindSafe>() {}
fn is_error<T: Error + Send + Sync + 'static>() {}
fn is_default<T: Default>() {}

/// Whether a type has a trait, as a `bool`: the inherent method is chosen where its bound holds,
/// the trait's method elsewhere.
macro_rules! is_impl {
    ($T:ty: $Trait:ident) => {{
        struct Probe<T: ?Sized>(std::marker::PhantomData<T>);
        #[allow(dead_code)]
        trait Otherwise {
            fn is(&self) -> bool {
                false
            }
        }
        impl<T: ?Sized> Otherwise for Probe<T> {}
        #[allow(dead_code)]
        impl<T: ?Sized + $Trait> Probe<T> {
            fn is(&self) -> bool {
                true
            }
        }
        Probe::<$T>(std::marker::PhantomData).is()
    }};
}

#[test]
fn a_table_is_send_if_its_values_are_and_sync_if_they_are_both() {
    use std::{cell::Cell, rc::Rc, sync::MutexGuard};

    is_send::<HandleTable<String>>();
    is_sync::<HandleTable<String>>();
    is_unwind_safe::<HandleTable<Cell<u8>>>();
    is_default::<HandleTable<Arc<str>>>();

    assert!(is_impl!(HandleTable<Cell<u8>>: Send));
    assert!(!is_impl!(HandleTable<Cell<u8>>: Sync), "Send is not enough");
    assert!(!is_impl!(HandleTable<Rc<u8>>: Send));
    assert!(!is_impl!(HandleTable<Rc<u8>>: Sync));
    assert!(!is_impl!(HandleTable<MutexGuard<'static, u8>>: Send), "Sync is not enough");
    assert!(!is_impl!(HandleTable<MutexGuard<'static, u8>>: Sync));
}

#[test]
fn what_pins_a_thread_cannot_leave_it() {
    assert!(!is_impl!(Ref<'static, u8>: Send));
    assert!(!is_impl!(Ref<'static, u8>: Sync));
    assert!(!is_impl!(Pinned<'static, u8>: Send));
    assert!(!is_impl!(Pinned<'static, u8>: Sync));
    assert!(!is_impl!(Iter<'static, u8>: Send));
    assert!(!is_impl!(Iter<'static, u8>: Sync));
}

#[test]
fn handles_counts_and_errors_can_be_sent() {
    is_send::<Handle>();
    is_sync::<Handle>();
    is_unwind_safe::<Handle>();
    is_send::<Stats>();
    is_sync::<Builder<HandleTable<std::rc::Rc<u8>>>>();
    is_error::<HandleError>();
    is_error::<QuiesceError>();
    is_error::<FullError<String>>();
    is_error::<CallError>();
    is_error::<InsertError<String, std::fmt::Error>>();
    assert!(is_impl!(FullError<std::cell::Cell<u8>>: Send));
    assert!(!is_impl!(FullError<std::rc::Rc<u8>>: Send), "it holds the value");
}

#[test]
fn a_reserved_handle_can_be_sent_if_its_values_can_be_shared() {
    use std::{cell::Cell, rc::Rc, sync::MutexGuard};

    is_send::<Reserved<'static, String>>();
    is_sync::<Reserved<'static, String>>();
    assert!(!is_impl!(Reserved<'static, Rc<u8>>: Send));
    assert!(!is_impl!(Reserved<'static, Cell<u8>>: Send), "Send is not enough");
    assert!(!is_impl!(Reserved<'static, MutexGuard<'static, u8>>: Send), "Sync is not enough");
}

#[test]
fn every_error_names_its_cause() {
    let table = HandleTable::builder().max_handles(1).build();
    let handle = table.insert(String::from("text"));
    table.remove(handle).unwrap();
    let messages = [
        HandleError::Null.to_string(),
        HandleError::Unknown { raw: 42 }.to_string(),
        table.remove(handle).unwrap_err().to_string(),
        QuiesceError::Pinned.to_string(),
        QuiesceError::InsideDrop.to_string(),
        QuiesceError::ThreadEnding.to_string(),
    ];
    for (message, word) in messages.iter().zip([
        "null",
        "never issued",
        "already deleted",
        "quiesce",
        "`Drop`",
        "thread's locals",
    ]) {
        assert!(message.contains(word), "{message}");
    }
    assert!(messages[2].contains(&format!("{:#x}", handle.to_raw())));
}

#[test]
fn debug_of_a_table_needs_no_debug_of_its_values() {
    struct Silent;
    let table = HandleTable::new();
    let handle = table.insert(Silent);
    assert!(format!("{table:?}").contains("len: 1"));
    assert!(format!("{:?}", table.pin()).contains("Pinned"));
    assert!(format!("{:?}", table.pin().iter()).contains("Iter"));
    assert!(format!("{:?}", HandleTable::<Silent>::builder()).contains("max_handles"));
    assert!(table.contains(handle));

    let table = HandleTable::new();
    let handle = table.insert("text");
    let value = table.get(handle).unwrap();
    assert_eq!(format!("{value:?} {value}"), "\"text\" text");
}
