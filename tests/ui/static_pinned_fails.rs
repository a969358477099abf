//! Only a table that is `'static` gives out a `Pinned` that is.

use handle_table::{HandleTable, Pinned};

pub(crate) fn main() {
    let table = HandleTable::<u32>::new();
    let pinned: Pinned<'static, u32> = table.pin();
    drop(pinned);
}
