//! The process-wide table refuses what is not `Send`, too.

use std::rc::Rc;

use handle_table::Handle;

fn main() {
    Handle::new(Rc::new(7));
}
