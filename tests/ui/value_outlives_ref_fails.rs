//! What a `Ref` shows ends with the `Ref`, even where the table lasts for ever.

use handle_table::HandleTable;

fn main() {
    static TABLE: HandleTable<u32> = HandleTable::new();
    let handle = TABLE.insert(7);
    let held = TABLE.get(handle).unwrap();
    let value: &u32 = &held;
    drop(held);
    assert_eq!(*value, 7);
}
