//! `handle-table` beside its peers.
//!
//! In reading order: what is stored, the systems that store it, the race that times them, the
//! workloads they run, and what is made of many rounds. The bench `rivals` says which systems run
//! which workloads; it is there, not here, that they are compiled, so that `ops` needn't wait. Last
//! comes a model of more cores than there are, which the bench `scaling` prints.

pub mod value;

pub mod systems;

pub mod race;

pub mod workloads;

pub mod mixed;

pub mod latency;

pub mod stats;

pub mod model;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The allocator that everything here runs on.
pub const ALLOCATOR: &str = if cfg!(feature = "mimalloc") {
    "mimalloc"
} else {
    "the system's allocator"
};
