//! No reference to the value gets out of the closure of `call`.

use handle_table::HandleTable;

pub(crate) fn main() {
    let table = HandleTable::new();
    let handle = table.insert(String::from("text"));
    let mut seen = None;
    let called = table.call(handle.to_ptr(), |value| seen = Some(value));
    assert!(called.is_ok() && seen.is_some());
}
