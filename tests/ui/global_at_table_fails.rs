//! A handle of `Handle::new` belongs to the process-wide table, and no other table takes it.

use handle_table::{Handle, HandleTable};

pub(crate) fn main() {
    let table = HandleTable::<u32>::new();
    let handle = Handle::new(7_u32);
    assert!(table.get(handle).is_err());
    handle.delete();
}
