//! A reference that a `Pinned` gave out ends with the next `repin`.

use handle_table::HandleTable;

pub(crate) fn main() {
    let table = HandleTable::new();
    let handle = table.insert(7);
    let mut pinned = table.pin();
    let value = pinned.get(handle).unwrap();
    assert_eq!(*value, 7);
    pinned.repin();
}
