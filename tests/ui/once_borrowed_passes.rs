//! A table may outlive the frame that a value borrows from, so a value must be `'static`.

use handle_table::OnceTable;

pub(crate) fn main() {
    let local = String::from("text");
    let table = OnceTable::new();
    let _handle = table.insert(local.clone());
}
