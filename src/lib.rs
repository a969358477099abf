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

mod config;
mod error;
mod handle;
mod stats;

mod epoch;
mod inner;
mod reclaim;
mod shard;
mod slots;
mod sync;
mod table;

#[cfg(all(test, loom))]
#[allow(unsafe_code)]
mod model;

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
}

pub use crate::{
    error::{Full, HandleError, QuiesceError},
    handle::Handle,
    stats::Stats,
    table::{Builder, HandleTable, Iter, Pinned, Ref},
};
