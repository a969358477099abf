//! The process-wide table of values of any type: `Handle::new`, `Handle::value`, `Handle::delete`,
//! in meaning those of Go's `runtime/cgo`.
//!
//! It is a `HandleTable` whose values are `Erased`: up to three words in place, larger ones in a
//! box, with a table of functions that knows the type.

#[allow(unsafe_code)]
mod erased;
#[allow(unsafe_code)]
mod process_wide;
