//! A value in an `Exclusive` must be `Send`, and need not be `Sync`: a `Cell` will do, an `Rc` not.

use std::cell::Cell;

use handle_table::{Exclusive, HandleTable};

pub(crate) fn main() {
    let table = HandleTable::new();
    let _ = table.insert(Exclusive::new(Cell::new(7)));
}
