//! A `Pinned` pins the thread that made it, and cannot leave it; the table can.

use handle_table::HandleTable;

fn send<T: Send>(_: T) {}

fn main() {
    let table = HandleTable::<u32>::new();
    send(&table);
}
