//! A value that is not `Send` may be dropped by another thread: `Rc` is refused, `Arc` is not.

use std::rc::Rc;

use handle_table::HandleTable;

fn main() {
    let table = HandleTable::new();
    table.insert(Rc::new(7));
}
