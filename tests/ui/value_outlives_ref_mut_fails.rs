//! A reference taken from a `RefMut` ends with the `RefMut`, also if the table is `'static`.

use handle_table::{Exclusive, HandleTable};

pub(crate) fn main() {
    static TABLE: HandleTable<Exclusive<u32>> = HandleTable::new();
    let handle = TABLE.insert(Exclusive::new(7));
    let mut held = TABLE.get_mut(handle).unwrap();
    let value: &mut u32 = &mut held;
    drop(held);
    *value += 1;
}
