//! A table takes its own kind of handles: one of another type can't be of this table.

use handle_table::{Handle, HandleTable};

pub(crate) fn main() {
    let table = HandleTable::new();
    let _ = table.insert(7_u32);
    let handle = Handle::<String>::from_raw(42).unwrap();
    assert!(!table.contains(handle));
}
