//! A `RefMut` must stay on the thread that made it; a clone of its value need not.

use handle_table::{Exclusive, HandleTable};

fn send<T: Send>(_: T) {}

pub(crate) fn main() {
    let table = HandleTable::new();
    let handle = table.insert(Exclusive::new(7));
    send(table.get_mut(handle).unwrap());
}
