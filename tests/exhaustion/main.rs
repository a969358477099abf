//! The space of handles: how much of it is left, how long it lasts, and what a table does when it
//! is used up. Whole tables are used up with `--cfg handle_table_small`, where a table issues about
//! a million handles: six for each slot.
#![cfg(not(loom))]

#[path = "../common/mod.rs"]
mod common;
/// All tests take this lock: threads of another test would own the shards that one counts on, and
/// its readers would keep slots back.
#[path = "../common/serial.rs"]
mod serial;
mod tables;

mod forecast;
#[cfg(all(target_pointer_width = "32", not(handle_table_small), feature = "sharded"))]
mod full_width;
mod limit;
#[cfg(handle_table_small)]
mod used_up;
