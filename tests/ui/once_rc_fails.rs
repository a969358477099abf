//! Another thread may take a value, so it must be `Send`: an `Arc` is, an `Rc` is not.

use std::rc::Rc;

use handle_table::OnceTable;

pub(crate) fn main() {
    let table = OnceTable::new();
    let _handle = table.insert(Rc::new(7));
}
