//! A value that is not `Sync` may be looked at by two threads: `Cell` is refused, an atomic is not.

use std::sync::atomic::AtomicU32;

use handle_table::HandleTable;

fn main() {
    let table = HandleTable::new();
    table.insert(AtomicU32::new(7));
}
