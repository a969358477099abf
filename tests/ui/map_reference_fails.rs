//! No reference to the value gets out of the closure of `RefMut::map`.

use handle_table::{Exclusive, HandleTable, RefMut};

pub(crate) fn main() {
    let table = HandleTable::new();
    let handle = table.insert(Exclusive::new((1, 2)));
    let mut other = None;
    let one = RefMut::map(table.get_mut(handle).unwrap(), |pair| {
        other = Some(&mut pair.1);
        &mut pair.0
    });
    assert!(*one == 1 && other.is_some());
}
