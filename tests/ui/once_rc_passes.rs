//! Another thread may take a value, so it must be `Send`: an `Arc` is, an `Rc` is not.

use std::sync::Arc;

use handle_table::OnceTable;

pub(crate) fn main() {
    let table = OnceTable::new();
    let _handle = table.insert(Arc::new(7));
}
