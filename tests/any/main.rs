//! `AnyTable`, and the verbs of `Handle` over the process-wide one: what they add to `HandleTable`
//! is the types, and values in boxes of their own.
#![cfg(not(loom))]
// For the allocator that counts, and for C's functions.
#![allow(unsafe_code)]

#[path = "../common/allocated.rs"]
mod allocated;
#[path = "../common/mod.rs"]
mod common;
/// All tests take this lock: a reader of another test would be in the way of drops.
#[path = "../common/serial.rs"]
mod serial;

mod calls;
mod drops;
mod iterate;
mod limit;
mod process_wide;
mod threads;
mod traits;
mod types;
mod verbs;
mod waits;
mod words;

use std::{
    any::type_name,
    cell::RefCell,
    ffi::c_void,
    panic::{catch_unwind, AssertUnwindSafe},
    ptr::without_provenance_mut,
};

use handle_table::{set_report_hook, AnyTable, CallError, HandleError, Operation, Report};

use common::Witness;

/// One new table of each kind that takes code paths of its own.
fn kinds() -> impl Iterator<Item = AnyTable> {
    let builder = AnyTable::builder;
    let kinds = [
        ("a shard for each thread", builder()),
        ("one shard, shared by all threads", builder().shards(1)),
        ("limited", builder().shards(2).max_handles(1 << 16)),
        ("with batches", builder().batch(4)),
    ];
    kinds.into_iter().map(|(name, builder)| {
        println!("kind of table: {name}");
        builder.build()
    })
}

/// A value that a census counts.
trait Value: Send + Sync + 'static {
    fn new(witness: Witness) -> Self;
    fn number(&self) -> usize;
}

/// Three words, which lie in the slot.
impl Value for Witness {
    fn new(witness: Witness) -> Self {
        witness
    }

    fn number(&self) -> usize {
        self.look()
    }
}

/// A value that lies in a box, for its size.
struct Large(Witness, #[allow(dead_code)] [usize; 9]);

impl Value for Large {
    fn new(witness: Witness) -> Self {
        Self(witness, [7; 9])
    }

    fn number(&self) -> usize {
        assert_eq!(self.1, [7; 9]);
        self.0.look()
    }
}

/// A value that lies in a box, for its alignment.
#[repr(align(128))]
struct Aligned(Witness);

impl Value for Aligned {
    fn new(witness: Witness) -> Self {
        Self(witness)
    }

    fn number(&self) -> usize {
        assert_eq!(std::ptr::from_ref(self).addr() % 128, 0);
        self.0.look()
    }
}

/// The names of the types in an error about a wrong type: what was asked for, and what was found.
fn types_in(error: impl Into<CallError>) -> Option<(&'static str, &'static str)> {
    match error.into() {
        CallError::Handle(HandleError::WrongType { expected, found, .. }) => {
            Some((expected, found))
        }
        _ => None,
    }
}

/// What [`types_in`] says of an error about a value that is an `F` and was asked for as an `E`.
fn wrong<E, F>() -> Option<(&'static str, &'static str)> {
    Some((type_name::<E>(), type_name::<F>()))
}

/// The word of C's with this integer.
fn word(raw: usize) -> *mut c_void {
    without_provenance_mut(raw)
}

/// What `f` panics with.
#[track_caller]
fn panic_of<R>(f: impl FnOnce() -> R) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(f)) else {
        panic!("it was to panic");
    };
    let text = payload.downcast_ref::<&str>().map(|text| String::from(*text));
    text.or_else(|| payload.downcast_ref::<String>().cloned()).expect("a text")
}

/// What the report hook was called with.
#[derive(Debug, PartialEq)]
struct Seen {
    operation: Operation,
    type_name: &'static str,
    error: CallError,
    panic: Option<String>,
}

thread_local! {
    static REPORTS: RefCell<Vec<Seen>> = const { RefCell::new(Vec::new()) };
}

/// The reports on this thread during `f`, and its result.
fn reports_of<R>(f: impl FnOnce() -> R) -> (Vec<Seen>, R) {
    fn log(report: &Report<'_>) {
        let seen = Seen {
            operation: report.operation(),
            type_name: report.type_name(),
            error: report.error(),
            panic: report.panic_message().map(String::from),
        };
        REPORTS.with_borrow_mut(|reports| reports.push(seen));
    }
    set_report_hook(log);
    REPORTS.take();
    let result = f();
    (REPORTS.take(), result)
}
