//! The process-wide table refuses what is not `Send`, too.

use std::sync::Arc;

use handle_table::Handle;

fn main() {
    Handle::new(Arc::new(7));
}
