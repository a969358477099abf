//! A handle of a table of one type goes to that table, not to an `AnyTable`.

use handle_table::{AnyTable, HandleTable};

pub(crate) fn main() {
    let (table, objects) = (HandleTable::new(), AnyTable::new());
    let handle = table.insert(7_u32);
    assert!(objects.get::<u32>(handle).is_err());
}
