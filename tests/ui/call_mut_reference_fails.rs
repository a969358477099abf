//! No reference to the value gets out of the closure of `call_mut`.

use handle_table::{Exclusive, HandleTable};

pub(crate) fn main() {
    let table = HandleTable::new();
    let handle = table.insert(Exclusive::new(String::from("text")));
    let value = table.call_mut(handle.to_ptr(), |value| value);
    assert!(value.is_ok());
}
