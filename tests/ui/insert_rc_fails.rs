//! Another thread may drop a value, so it must be `Send`: an `Arc` is, an `Rc` is not.

use std::rc::Rc;

use handle_table::HandleTable;

pub(crate) fn main() {
    let table = HandleTable::new();
    let _ = table.insert(Rc::new(7));
}
