//! What was seen under a pin ends with `repin`, which may let it be dropped.

use handle_table::HandleTable;

fn main() {
    let table = HandleTable::new();
    let handle = table.insert(7);
    let mut pinned = table.pin();
    let value = pinned.get(handle).unwrap();
    pinned.repin();
    assert_eq!(*value, 7);
}
