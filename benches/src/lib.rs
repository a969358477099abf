//! `handle-table` beside its peers.
//!
//! In reading order: the values, the systems that store them, the race that times the systems, the
//! workloads, latency, and the statistics of many rounds. Last comes a model of many cores, which
//! the bench `scaling` prints.
//!
//! All workloads are generic. The bench `rivals` picks the systems and thereby compiles them, so
//! that the bench `ops` need not wait for that.

pub mod value;

pub mod systems;

pub mod race;

pub mod workloads;

pub mod mixed;

pub mod storm;

pub mod latency;

pub mod stats;

pub mod model;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The name of the allocator that all benches use.
pub const ALLOCATOR: &str =
    if cfg!(feature = "mimalloc") { "mimalloc" } else { "the system's allocator" };
