//! A value that is not `Sync` may be looked at by two threads: `Cell` is refused, an atomic is not.

use std::cell::Cell;

use handle_table::HandleTable;

fn main() {
    let table = HandleTable::new();
    table.insert(Cell::new(7));
}
