//! Two threads may read a value at once, so it must be `Sync`: an atomic is, a `Cell` is not.

use std::cell::Cell;

use handle_table::HandleTable;

pub(crate) fn main() {
    let table = HandleTable::new();
    let _ = table.insert(Cell::new(7));
}
