//! What happens to values: each is dropped once, also where drops delete more, panic, or use the
//! table. All of it holds while other tests read, so the tests run in parallel.
#![cfg(not(loom))]

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/verbs.rs"]
mod verbs;

mod drop_chains;
mod dropped_once;
mod panicking_drop;
mod reentrant_drop;
