#![doc = include_str!("../README.md")]

#[cfg(all(loom, not(crossbeam_loom)))]
compile_error!(
    "handle-table: `--cfg loom` without `--cfg crossbeam_loom` would leave crossbeam-epoch's \
     atomics unseen by loom, and models would pass for nothing; \
     build with RUSTFLAGS=\"--cfg loom --cfg crossbeam_loom\""
);
#[cfg(all(loom, not(feature = "loom")))]
compile_error!(
    "handle-table: `--cfg loom` needs the cargo feature `loom`, or its atomics are unseen by \
     loom; depend on it with features = [\"loom\"]"
);
#[cfg(not(any(target_pointer_width = "32", target_pointer_width = "64")))]
compile_error!("handle-table: handles are laid out for 32-bit and 64-bit targets only");

// In reading order: each file uses those above it (a shard and its owner's part, each other; so do a
// table's core and its look-ups). Those that are allowed unsafe code say at each use of it which duty
// there is and who meets it.
mod sync;

mod layout;

mod index;

mod word;

mod error;

mod handle;

mod lease;

#[cfg_attr(loom, allow(dead_code))]
#[allow(unsafe_code)]
mod hand;

#[cfg(not(loom))]
#[allow(unsafe_code)]
mod anchor;

#[allow(unsafe_code)]
mod thread;

#[allow(unsafe_code)]
mod batch;

#[allow(unsafe_code)]
mod backoff;

mod grace;

#[allow(unsafe_code)]
mod sealed;

#[allow(unsafe_code)]
mod walkers;

#[allow(unsafe_code)]
mod slot;

#[allow(unsafe_code)]
mod room;

#[allow(unsafe_code)]
mod directory;

#[allow(unsafe_code)]
mod segment;

mod lists;

#[allow(unsafe_code)]
mod shard;

#[allow(unsafe_code)]
mod owner;

#[allow(unsafe_code)]
mod core;

mod lookup;

#[allow(unsafe_code)]
mod retire;

mod stats;

#[allow(unsafe_code)]
mod walk;

#[allow(unsafe_code)]
mod front;

#[allow(unsafe_code)]
mod once;

#[allow(unsafe_code)]
mod guard;

mod builder;

#[allow(unsafe_code)]
mod table;

mod upkeep;

#[allow(unsafe_code)]
mod erased;

mod global;

#[cfg(all(test, loom))]
#[allow(unsafe_code)]
mod models;

/// Longer texts: how it works, why it is right, how to use it from C, how fast it is, how it grows.
pub mod docs {
    #[doc = include_str!("../docs/DESIGN.md")]
    pub mod design {}

    #[doc = include_str!("../docs/ORDERING.md")]
    pub mod ordering {}

    #[doc = include_str!("../docs/FFI.md")]
    pub mod ffi {}

    #[doc = include_str!("../docs/PERFORMANCE.md")]
    pub mod performance {}

    #[doc = include_str!("../docs/SCALING.md")]
    pub mod scaling {}

    #[doc = include_str!("../docs/LOOM.md")]
    pub mod loom {}

    #[doc = include_str!("../docs/CHANGELOG.md")]
    pub mod changelog {}
}

pub use crate::{
    builder::Builder,
    error::{Full, HandleError, QuiesceError},
    guard::{Iter, Pinned, Ref},
    handle::Handle,
    stats::Stats,
    table::HandleTable,
};
