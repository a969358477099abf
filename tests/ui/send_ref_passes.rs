//! A `Ref` pins the thread that made it, and cannot leave it; a clone of the value can.

use handle_table::HandleTable;

fn send<T: Send>(_: T) {}

fn main() {
    let table = HandleTable::new();
    let handle = table.insert(7);
    send(table.cloned(handle).unwrap());
}
