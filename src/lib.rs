#![doc = "[batch]: crate::docs::scaling#deletes"]
#![doc = "[design]: crate::docs::design"]
#![doc = "[ordering]: crate::docs::ordering"]
#![doc = "[ffi]: crate::docs::ffi"]
#![doc = "[isnot]: crate::docs::rules#what-a-handle-is-not"]
#![doc = "[migrating]: crate::docs::migrating"]
#![doc = "[narrow]: crate::docs::scaling#on-32-bit-targets-and-wasm"]
#![doc = "[performance]: crate::docs::performance"]
#![doc = "[reliability]: crate::docs::reliability"]
#![doc = "[rules]: crate::docs::rules"]
#![doc = "[scaling]: crate::docs::scaling"]
#![doc = "[loom]: crate::docs::loom"]
#![doc = "[verification]: crate::docs::verification"]
#![doc = ""]
#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), deny(clippy::disallowed_types))]

#[cfg(all(loom, not(crossbeam_loom)))]
compile_error!(
    "handle-table: `--cfg loom` without `--cfg crossbeam_loom` would leave crossbeam-epoch's \
     atomics unseen by loom, and models would pass without checking them; \
     build with RUSTFLAGS=\"--cfg loom --cfg crossbeam_loom\""
);
#[cfg(all(loom, not(feature = "loom")))]
compile_error!(
    "handle-table: `--cfg loom` needs the cargo feature `loom`, or its atomics are unseen by \
     loom; depend on it with features = [\"loom\"]"
);
#[cfg(not(any(target_pointer_width = "32", target_pointer_width = "64")))]
compile_error!("handle-table: handles are laid out for 32-bit and 64-bit targets only");

// From the bottom up: a folder uses only folders that come before it here, and `.ci/layers` checks
// that. `sync`: std or loom. `epoch`: what all tables share. `slots`: where a value lies.
// `reclaim`: what waits for a grace period. `shard`: which thread writes where. `inner`: the verbs.
// `table`: what users see.
mod config;
mod error;
mod exclusive;
mod handle;
mod reader;
#[allow(unsafe_code)]
mod report;
mod stats;

// The one folder that names std's atomics.
#[allow(clippy::disallowed_types)]
// What forked children need is idle where none are watched, see `epoch/fork.rs`.
#[cfg_attr(
    any(miri, not(any(target_os = "linux", target_vendor = "apple", target_os = "freebsd"))),
    allow(dead_code, unused_imports)
)]
mod sync;

#[cfg_attr(
    any(miri, not(any(target_os = "linux", target_vendor = "apple", target_os = "freebsd"))),
    allow(dead_code, unused_imports)
)]
mod epoch;

mod slots;

mod reclaim;

mod shard;

mod inner;

mod table;

pub mod docs;

#[cfg(all(test, loom))]
#[allow(unsafe_code)]
mod loom_models;

#[cfg(all(test, not(loom)))]
#[path = "../tests/common/scaled.rs"]
mod scaled;

pub use crate::{
    error::{
        status_message, CallError, FullError, HandleError, InsertError, QuiesceError, WaitError,
    },
    exclusive::{Exclusive, ExclusiveRefMut},
    handle::{Global, Handle},
    reader::Reader,
    report::{set_report_hook, Operation, Report},
    stats::Stats,
    table::{
        readers, AnyTable, Builder, Drain, HandleTable, Iter, IterAny, OnceTable, Owned, Pinned,
        PinnedAny, Ref, RefMut, Reserved, ReservedAny, TypeStats,
    },
};
