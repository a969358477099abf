//! All samples of a run, by workload, type and number of threads.

use std::collections::BTreeMap;

use crate::{contenders::Role, memory::Footprint};
use benches::{
    stats::{median, ratio},
    value::Type,
    workloads::Workload,
};

/// One comparison of all systems: a workload, a type of value, a number of threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    pub kind: Type,
    pub threads: usize,
    pub workload: Workload,
}

impl Cell {
    pub fn title(&self) -> String {
        let Self { kind, threads, workload } = self;
        let s = if *threads == 1 { "" } else { "s" };
        format!("{}, {kind}, {threads} thread{s}", workload.name())
    }
}

/// The nanoseconds per operation of one system, a number for each round.
#[derive(Clone, Debug)]
pub struct Row {
    pub name: &'static str,
    pub role: Role,
    pub ns: Vec<f64>,
}

impl Row {
    /// Operations per microsecond, of all threads together.
    pub fn throughput(&self, threads: usize) -> f64 {
        threads as f64 * 1000.0 / median(&self.ns)
    }
}

#[derive(Default)]
pub struct Results {
    pub cells: BTreeMap<Cell, Vec<Row>>,
    /// Memory, by type of value and system.
    pub memory: BTreeMap<(Type, &'static str), Footprint>,
}

impl Results {
    pub fn row(&self, cell: &Cell, name: &str) -> Option<&Row> {
        self.cells.get(cell)?.iter().find(|row| row.name == name)
    }

    /// The peer with the lowest median.
    pub fn best_peer(&self, cell: &Cell) -> Option<&Row> {
        let rows = self.cells.get(cell)?.iter();
        rows.filter(|row| row.role == Role::Peer)
            .min_by(|a, b| median(&a.ns).total_cmp(&median(&b.ns)))
    }
}

pub fn ours(rows: &[Row]) -> Option<&Row> {
    rows.iter().find(|row| row.role == Role::Ours)
}

/// The time of ours divided by that of another row of its cell; `None` for ours itself.
pub fn ratio_to(rows: &[Row], row: &Row) -> Option<f64> {
    let ours = ours(rows)?;
    (row.role != Role::Ours).then(|| ratio(&ours.ns, &row.ns))
}
