//! The table of a `destroy_callback!` is found by safe code.

use handle_table::{destroy_callback, HandleTable};

static NAMES: HandleTable<String> = HandleTable::new();

unsafe fn names() -> &'static HandleTable<String> {
    &NAMES
}

pub(crate) fn main() {
    let _destroy = destroy_callback!(names());
}
