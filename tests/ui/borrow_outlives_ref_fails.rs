//! The borrow of an `Exclusive` ends before the `Ref` that it was reached through.

use handle_table::{Exclusive, HandleTable};

pub(crate) fn main() {
    static TABLE: HandleTable<Exclusive<u32>> = HandleTable::new();
    let handle = TABLE.insert(Exclusive::new(7));
    let cell = TABLE.get(handle).unwrap();
    let mut value = cell.try_borrow_mut().unwrap();
    drop(cell);
    *value += 1;
}
