//! A table takes the handles of its own type of values only.

use handle_table::HandleTable;

pub(crate) fn main() {
    let names = HandleTable::<String>::new();
    let numbers = HandleTable::<u32>::new();
    let name = names.insert(String::from("text"));
    assert!(names.get(name).is_ok() && numbers.is_empty());
}
