//! A `Ref` must stay on the thread that made it; a clone of its value need not.

use handle_table::HandleTable;

fn send<T: Send>(_: T) {}

pub(crate) fn main() {
    let table = HandleTable::new();
    let handle = table.insert(7);
    send(table.cloned(handle).unwrap());
}
