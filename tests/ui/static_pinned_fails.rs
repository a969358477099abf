//! Only a table that lasts for ever lends a `Pinned` for ever.

use handle_table::{HandleTable, Pinned};

fn main() {
    let table = HandleTable::<u32>::new();
    let pinned: Pinned<'static, u32> = table.pin();
    drop(pinned);
}
