//! A table takes its own kind of handles, and any integer as one.

use handle_table::{Handle, HandleTable};

pub(crate) fn main() {
    let table = HandleTable::new();
    let _ = table.insert(7_u32);
    let handle = Handle::<u32>::from_raw(42).unwrap();
    assert!(!table.contains(handle));
}
