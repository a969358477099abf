//! The borrow of an `Exclusive` must stay on the thread that made it; the `Exclusive` need not.

use handle_table::Exclusive;

fn send<T: Send>(_: T) {}

pub(crate) fn main() {
    let cell = Exclusive::new(7);
    send(&cell);
}
