//! Values that are changed through their handles: one borrower at a time, who gets what, and when
//! such values are dropped.
#![cfg(not(loom))]

#[path = "../common/mod.rs"]
mod common;

mod callbacks;
mod cell;
mod deletes;
mod reports;
mod threads;
mod traits;

use handle_table::{Exclusive, Handle, HandleError, HandleTable};

use common::table_kinds;

/// All kinds of tables, and one that drops many values at a time.
fn kinds<T>() -> impl Iterator<Item = HandleTable<Exclusive<T>>> {
    let batches = HandleTable::builder().batch(64).build();
    table_kinds().chain([batches])
}

#[track_caller]
fn assert_busy<T>(table: &HandleTable<Exclusive<T>>, handle: Handle<Exclusive<T>>) {
    let answer = table.get_mut(handle).map(drop);
    assert_eq!(answer, Err(HandleError::Busy { raw: handle.to_raw() }));
}

#[track_caller]
fn assert_deleted<T>(table: &HandleTable<Exclusive<T>>, handle: Handle<Exclusive<T>>) {
    let answer = table.get_mut(handle).map(drop);
    assert!(matches!(answer, Err(HandleError::Deleted { .. })), "{answer:?}");
}
