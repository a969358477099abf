//! A `Ref` must end before its table does.

use handle_table::HandleTable;

pub(crate) fn main() {
    let table = HandleTable::new();
    let handle = table.insert(7);
    let value = table.get(handle).unwrap();
    assert_eq!(*value, 7);
    drop(value);
    drop(table);
}
