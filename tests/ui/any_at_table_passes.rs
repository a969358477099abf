//! A handle of an `AnyTable` goes to an `AnyTable`, also if its value is a `u32`.

use std::any::Any;

use handle_table::{AnyTable, Handle, HandleTable};

pub(crate) fn main() {
    let (table, objects) = (HandleTable::<u32>::new(), AnyTable::new());
    let handle = Handle::<dyn Any>::from_raw(42).unwrap();
    assert!(objects.get::<u32>(handle).is_err());
    drop(table);
}
