//! A `Ref` ends before its table does.

use handle_table::HandleTable;

fn main() {
    let table = HandleTable::new();
    let handle = table.insert(7);
    let value = table.get(handle).unwrap();
    assert_eq!(*value, 7);
    drop(value);
    drop(table);
}
