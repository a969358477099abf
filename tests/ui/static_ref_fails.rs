//! Only a table that lasts for ever lends a `Ref` for ever.

use handle_table::{HandleTable, Ref};

fn main() {
    let table = HandleTable::new();
    let handle = table.insert(7);
    let value: Ref<'static, u32> = table.get(handle).unwrap();
    assert_eq!(*value, 7);
}
