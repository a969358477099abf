//! A `RefMut` must end before its table does.

use handle_table::{Exclusive, HandleTable};

pub(crate) fn main() {
    let table = HandleTable::new();
    let handle = table.insert(Exclusive::new(7));
    let mut value = table.get_mut(handle).unwrap();
    drop(table);
    *value += 1;
}
