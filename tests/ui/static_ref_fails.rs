//! Only a table that is `'static` gives out a `Ref` that is.

use handle_table::{HandleTable, Ref};

pub(crate) fn main() {
    let table = HandleTable::new();
    let handle = table.insert(7);
    let value: Ref<'static, u32> = table.get(handle).unwrap();
    assert_eq!(*value, 7);
}
