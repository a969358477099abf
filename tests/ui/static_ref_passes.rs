//! Only a table that lasts for ever lends a `Ref` for ever.

use handle_table::{HandleTable, Ref};

fn main() {
    static TABLE: HandleTable<u32> = HandleTable::new();
    let handle = TABLE.insert(7);
    let value: Ref<'static, u32> = TABLE.get(handle).unwrap();
    assert_eq!(*value, 7);
}
