//! What an iteration has shown ends with `repin`, too.

use handle_table::HandleTable;

fn main() {
    let table = HandleTable::new();
    table.insert(7);
    let mut pinned = table.pin();
    let value = pinned.iter().next().map(|(_, value)| value);
    pinned.repin();
    assert_eq!(value, Some(&7));
}
