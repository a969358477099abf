//! `delete` and `value` are for handles of `Handle::new`. Those of a table go to the table.

use handle_table::HandleTable;

pub(crate) fn main() {
    static TABLE: HandleTable<u32> = HandleTable::new();
    TABLE.remove(TABLE.insert(7)).unwrap();
}
