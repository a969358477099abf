//! A `RefMut` gives one `&mut` at a time. (A second `RefMut` is refused at run time.)

use handle_table::{Exclusive, HandleTable};

pub(crate) fn main() {
    let table = HandleTable::new();
    let handle = table.insert(Exclusive::new(7));
    let mut value = table.get_mut(handle).unwrap();
    let one: &mut i32 = &mut value;
    let two: &mut i32 = &mut value;
    *one += 1;
    *two += 1;
}
