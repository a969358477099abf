//! Fuzz targets: sequences of operations of several threads on a table, with forged, stale, damaged
//! and foreign handles among them, against lists of what must come.
//!
//! An input is a script. Its first bytes choose the kind of table, each further one an operation
//! and the thread that does it; then come the bytes that the operation asks for. One thread runs at
//! a time, so each answer is known beforehand, while shards, leases and guards are those of several
//! threads.
//!
//! - `input.rs`: the bytes. `forge.rs`: the integers that are sent in place of handles.
//! - `ledger.rs`: which values there are. `values.rs`: the values, which count themselves.
//! - `model.rs`: the oracle.
//! - `threads.rs`: threads that run in turn. `play.rs`: a script on them.
//! - `handle/`, `once.rs`, `any/`: the operations of each kind of table.

use std::sync::Once;

mod any;
mod forge;
mod handle;
mod input;
mod ledger;
mod model;
mod once;
mod play;
#[allow(unsafe_code)]
mod threads;
mod values;

pub use crate::{any::any_table, handle::handle_table, once::once_table};

/// What each run needs.
fn set_up() {
    static ONCE: Once = Once::new();
    // Wrong handles are reported by the thousand. The tables count them.
    ONCE.call_once(|| handle_table::set_report_hook(|_| ()));
}
