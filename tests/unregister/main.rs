//! Who unregisters, and wants to know when it is over: `remove_wait`, `take`, and handles that
//! delete themselves until C has them.
#![cfg(not(loom))]

#[path = "../common/mod.rs"]
mod common;
/// All tests take this lock: a reader of another test would be in the way.
#[path = "../common/serial.rs"]
mod serial;

mod owned;
mod remove_wait;
mod take;
