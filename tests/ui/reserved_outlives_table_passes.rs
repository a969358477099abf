//! A reserved handle that is filled before its table is dropped.

use handle_table::HandleTable;

pub(crate) fn main() {
    let table = HandleTable::new();
    let reserved = table.reserve();
    reserved.fill(7);
    drop(table);
}
