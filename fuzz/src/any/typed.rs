//! Verbs that name a type. The number of a value says which of four types it has, and a script asks
//! for one of them by its number.

use std::any::Any;

use handle_table::{
    AnyTable, CallError, FullError, Handle, HandleError, PinnedAny, Ref, ReservedAny, WaitError,
};

use crate::{
    ledger::Number,
    values::{Aligned, Core, Large, Tiny, Value},
};

/// How many types there are.
pub(super) const KINDS: usize = 4;

/// Calls a generic verb for the type with a number.
macro_rules! with_type {
    ($kind:expr, $type:ident => $do:expr) => {{
        match $kind {
            0 => {
                type $type = Core;
                $do
            }
            1 => {
                type $type = Large;
                $do
            }
            2 => {
                type $type = Aligned;
                $do
            }
            _ => {
                type $type = Tiny;
                $do
            }
        }
    }};
}

pub(super) type AnyHandle = Handle<dyn Any>;

/// The number of a value that is found as this type.
fn number<V: Value>(value: &V) -> Number {
    value.number().expect("these values are not borrowed")
}

/// A value that came back was that of the number.
fn rejected<V: Value>(full: FullError<V>, number: Number) {
    assert_eq!(full.into_inner().finish(), number, "another value came back");
}

pub(super) fn try_insert(table: &AnyTable, number: Number) -> Option<AnyHandle> {
    with_type!(number.kind(), V => {
        table.try_insert(V::new(number)).map_err(|full| rejected(full, number)).ok()
    })
}

/// `None` if the table is full. `see` gets the handle ahead of its value.
pub(super) fn insert_with(
    table: &AnyTable,
    number: Number,
    see: impl FnOnce(AnyHandle),
) -> Option<AnyHandle> {
    with_type!(number.kind(), V => {
        table
            .try_insert_with(|me| {
                see(me);
                <V as Value>::new(number)
            })
            .ok()
    })
}

/// Keeps the handle, or has it deleted with its owner. `see` gets it, and the number found.
pub(super) fn insert_owned(
    table: &AnyTable,
    number: Number,
    keeps: bool,
    see: impl FnOnce(AnyHandle, Result<Number, HandleError>),
) {
    with_type!(number.kind(), V => {
        let owned = table.insert_owned(<V as Value>::new(number));
        see(owned.handle(), owned.get().map(|value| self::number::<V>(&value)));
        if keeps {
            let _ = owned.into_handle();
        }
    });
}

pub(super) fn fill(reserved: ReservedAny<'_>, number: Number) -> AnyHandle {
    with_type!(number.kind(), V => reserved.fill(<V as Value>::new(number)))
}

/// A value of one of the types.
pub(super) enum AnyRef<'t> {
    Core(Ref<'t, Core>),
    Large(Ref<'t, Large>),
    Aligned(Ref<'t, Aligned>),
    Tiny(Ref<'t, Tiny>),
}

impl AnyRef<'_> {
    pub(super) fn number(&self) -> Number {
        match self {
            Self::Core(value) => number::<Core>(value),
            Self::Large(value) => number::<Large>(value),
            Self::Aligned(value) => number::<Aligned>(value),
            Self::Tiny(value) => number::<Tiny>(value),
        }
    }
}

pub(super) fn get(
    table: &AnyTable,
    kind: usize,
    handle: AnyHandle,
) -> Result<AnyRef<'_>, HandleError> {
    match kind {
        0 => table.get(handle).map(AnyRef::Core),
        1 => table.get(handle).map(AnyRef::Large),
        2 => table.get(handle).map(AnyRef::Aligned),
        _ => table.get(handle).map(AnyRef::Tiny),
    }
}

pub(super) fn remove_ref(
    table: &AnyTable,
    kind: usize,
    handle: AnyHandle,
) -> Result<AnyRef<'_>, HandleError> {
    match kind {
        0 => table.remove_ref(handle).map(AnyRef::Core),
        1 => table.remove_ref(handle).map(AnyRef::Large),
        2 => table.remove_ref(handle).map(AnyRef::Aligned),
        _ => table.remove_ref(handle).map(AnyRef::Tiny),
    }
}

pub(super) fn get_pinned(
    pinned: &PinnedAny<'_>,
    kind: usize,
    handle: AnyHandle,
) -> Result<Number, HandleError> {
    with_type!(kind, V => pinned.get::<V>(handle).map(number))
}

pub(super) fn get_in_signal(
    table: &AnyTable,
    kind: usize,
    handle: AnyHandle,
) -> Result<Number, HandleError> {
    with_type!(kind, V => table.get_in_signal::<V, _>(handle, number))
}

pub(super) fn call(
    table: &AnyTable,
    kind: usize,
    user_data: *mut std::ffi::c_void,
    f: impl FnOnce(Number),
) -> Result<(), CallError> {
    with_type!(kind, V => table.call(user_data, |value: &V| f(number(value))))
}

pub(super) fn remove_as(
    table: &AnyTable,
    kind: usize,
    handle: AnyHandle,
) -> Result<(), HandleError> {
    with_type!(kind, V => table.remove_as::<V>(handle))
}

pub(super) fn take(table: &AnyTable, kind: usize, handle: AnyHandle) -> Result<Number, WaitError> {
    with_type!(kind, V => table.take::<V>(handle).map(Value::finish))
}

/// The number of a value that says its own type.
pub(super) fn number_of(any: &(dyn Any + Send + Sync)) -> Number {
    let number = (0..KINDS).find_map(|kind| {
        let found = with_type!(kind, V => any.downcast_ref::<V>().map(number));
        found.filter(|number| number.kind() == kind)
    });
    number.expect("a value has another type than it was made of")
}
