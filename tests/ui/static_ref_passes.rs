//! Only a table that is `'static` gives out a `Ref` that is.

use handle_table::{HandleTable, Ref};

pub(crate) fn main() {
    static TABLE: HandleTable<u32> = HandleTable::new();
    let handle = TABLE.insert(7);
    let value: Ref<'static, u32> = TABLE.get(handle).unwrap();
    assert_eq!(*value, 7);
}
