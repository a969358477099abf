//! A reference that an iteration gave out ends with the next `repin`.

use handle_table::HandleTable;

pub(crate) fn main() {
    let table = HandleTable::new();
    let _ = table.insert(7);
    let mut pinned = table.pin();
    let value = pinned.iter().next().map(|(_, value)| value);
    assert_eq!(value, Some(&7));
    pinned.repin();
}
