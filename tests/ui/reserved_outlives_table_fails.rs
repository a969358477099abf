//! A reserved handle has a slot of its table, so it can't outlive that.

use handle_table::HandleTable;

pub(crate) fn main() {
    let table = HandleTable::new();
    let reserved = table.reserve();
    drop(table);
    reserved.fill(7);
}
