//! Only a table that is `'static` gives out a `Pinned` that is.

use handle_table::{HandleTable, Pinned};

pub(crate) fn main() {
    static TABLE: HandleTable<u32> = HandleTable::new();
    let pinned: Pinned<'static, u32> = TABLE.pin();
    drop(pinned);
}
