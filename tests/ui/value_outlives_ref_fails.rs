//! A reference taken from a `Ref` ends with the `Ref`, also if the table is `'static`.

use handle_table::HandleTable;

pub(crate) fn main() {
    static TABLE: HandleTable<u32> = HandleTable::new();
    let handle = TABLE.insert(7);
    let held = TABLE.get(handle).unwrap();
    let value: &u32 = &held;
    drop(held);
    assert_eq!(*value, 7);
}
