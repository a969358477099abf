//! The systems that take part, for each type of value, as plain values: a name and functions.

use std::{collections::hash_map::RandomState, sync::Arc};

use crate::memory;
use benches::{
    latency::{self, Latencies},
    race::{Plan, Sample},
    systems::{
        Batched, ConcurrentSlotMap, Dash, FfiSupport, Global, IdrEbr, Once, Papaya, PinnedBox,
        RawBox, RwLockSlotMap, ShardedSlab, System, Table,
    },
    value::{Boxed, Struct128, Struct64, Type, Value},
    workloads::Workload,
};

#[cfg(benches_before)]
use benches::systems::{Before, BeforeAny};

type Foldhash = foldhash::fast::RandomState;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The table that all others are compared with.
    Ours,
    /// Another table of ours, in runs where a `HandleTable` is `Ours`.
    OursToo,
    Peer,
    /// The cost without any safety, or of a pin and nothing else. Not a peer.
    Floor,
}

#[derive(Clone, Copy)]
pub struct Contender {
    pub name: &'static str,
    pub role: Role,
    pub run: fn(Workload, &Plan) -> Option<Sample>,
    pub latency: fn(&Plan) -> Latencies,
    /// Fills a new system with that many values, or as many as it can hold, and leaks it.
    pub fill: fn(usize) -> usize,
}

impl Contender {
    fn new<S: System>(role: Role) -> Self {
        Self {
            name: S::NAME,
            role,
            run: |workload, plan| workload.run::<S>(plan),
            latency: latency::measure::<S>,
            fill: memory::fill::<S>,
        }
    }
}

/// The systems that store values of this type.
pub fn contenders(kind: Type) -> Vec<Contender> {
    match kind {
        Type::U64 => typed::<u64>(),
        Type::Struct64 => typed::<Struct64>(),
        Type::Struct128 => typed::<Struct128>(),
        Type::Arc => typed::<Arc<u64>>(),
        Type::Any => {
            let mut all = vec![Contender::new::<Global<u64>>(Role::Ours)];
            all.extend(peers::<Boxed>());
            all
        }
    }
}

fn typed<V: Value>() -> Vec<Contender> {
    let mut all = vec![
        Contender::new::<Table<V>>(Role::Ours),
        Contender::new::<Batched<V>>(Role::OursToo),
        Contender::new::<Global<V>>(Role::OursToo),
        Contender::new::<Once<V>>(Role::OursToo),
    ];
    #[cfg(benches_before)]
    all.extend([
        Contender::new::<Before<V>>(Role::OursToo),
        Contender::new::<BeforeAny<V>>(Role::OursToo),
    ]);
    all.extend(peers::<V>());
    all
}

fn peers<V: Value>() -> [Contender; 11] {
    [
        Contender::new::<ShardedSlab<V>>(Role::Peer),
        Contender::new::<IdrEbr<V>>(Role::Peer),
        Contender::new::<ConcurrentSlotMap<V>>(Role::Peer),
        Contender::new::<FfiSupport<V>>(Role::Peer),
        Contender::new::<RwLockSlotMap<V>>(Role::Peer),
        Contender::new::<Papaya<V, RandomState>>(Role::Peer),
        Contender::new::<Papaya<V, Foldhash>>(Role::Peer),
        Contender::new::<Dash<V, RandomState>>(Role::Peer),
        Contender::new::<Dash<V, Foldhash>>(Role::Peer),
        Contender::new::<RawBox<V>>(Role::Floor),
        Contender::new::<PinnedBox<V>>(Role::Floor),
    ]
}
