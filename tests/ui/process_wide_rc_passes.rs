//! Values of the process-wide table must be `Send`, too.

use std::sync::Arc;

use handle_table::Handle;

pub(crate) fn main() {
    _ = Handle::new(Arc::new(7));
}
