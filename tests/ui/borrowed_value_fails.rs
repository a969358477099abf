//! A value may be dropped long after its delete, so it must not borrow: it must be `'static`.

use handle_table::HandleTable;

pub(crate) fn main() {
    let table = HandleTable::new();
    let text = String::from("text");
    let _ = table.insert(text.as_str());
    drop(text);
}
