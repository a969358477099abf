//! A value that borrows may be dropped after what it borrows: only `'static` ones are taken.

use handle_table::HandleTable;

fn main() {
    let table = HandleTable::new();
    let text = String::from("text");
    table.insert(text.as_str());
    drop(text);
}
