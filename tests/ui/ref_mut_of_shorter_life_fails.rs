//! What is written through a `RefMut` must live as long as the table's values: for ever.

use handle_table::{Exclusive, HandleTable, RefMut};

pub(crate) fn main() {
    static TABLE: HandleTable<Exclusive<&str>> = HandleTable::new();
    let handle = TABLE.insert(Exclusive::new("text"));
    let text = String::from("short-lived");
    let mut value: RefMut<'_, &str> = TABLE.get_mut(handle).unwrap();
    *value = text.as_str();
}
