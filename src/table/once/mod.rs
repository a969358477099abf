//! [`OnceTable`]: values that are taken, never looked at.
//!
//! - `table.rs`: the type, its settings and its counts.
//! - `insert.rs`, `take.rs`: its verbs. `drain.rs`: all values at once.
//! - `call.rs`: what callbacks from C use.

mod call;
mod drain;
mod insert;
mod table;
mod take;

pub use self::{drain::Drain, table::OnceTable};
