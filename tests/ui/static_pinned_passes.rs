//! Only a table that lasts for ever lends a `Pinned` for ever.

use handle_table::{HandleTable, Pinned};

fn main() {
    static TABLE: HandleTable<u32> = HandleTable::new();
    let pinned: Pinned<'static, u32> = TABLE.pin();
    drop(pinned);
}
