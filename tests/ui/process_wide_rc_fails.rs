//! Values of the process-wide table must be `Send`, too.

use std::rc::Rc;

use handle_table::Handle;

pub(crate) fn main() {
    Handle::new(Rc::new(7));
}
