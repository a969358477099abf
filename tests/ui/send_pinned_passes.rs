//! A `Pinned` must stay on the thread that made it; a reference to the table need not.

use handle_table::HandleTable;

fn send<T: Send>(_: T) {}

pub(crate) fn main() {
    let table = HandleTable::<u32>::new();
    send(&table);
}
