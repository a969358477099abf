//! A value that is not `Send` may be dropped by another thread: `Rc` is refused, `Arc` is not.

use std::sync::Arc;

use handle_table::HandleTable;

fn main() {
    let table = HandleTable::new();
    table.insert(Arc::new(7));
}
