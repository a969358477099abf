//! The command line.

use std::path::PathBuf;

use clap::{builder::RangedU64ValueParser, Parser};

use crate::{
    contenders::{contenders, Contender, Role},
    results::Cell,
};
use benches::{stats::MOST_ROUNDS, value::Type, workloads::Workload};

/// Runs handle-table and its peers in turn, round by round, and compares them.
///
/// Workloads: insert-remove, insert-get-remove, get-hot, get-1k, get-1m, pinned-hot, pinned-1k,
/// pinned-1m, pump, mixed-90-5-5, hand-off; src/workloads.rs says what each times.
#[derive(Parser, Debug)]
#[command(name = "rivals")]
pub struct Cli {
    /// Only workloads whose name contains one of these.
    pub filter: Vec<String>,

    /// Fewer rounds of fewer operations: to see that it works, and roughly how fast.
    #[arg(long)]
    pub quick: bool,

    /// Rounds; 9, or 3 with --quick, if not said.
    #[arg(long, value_parser = RangedU64ValueParser::<usize>::new().range(1..=MOST_ROUNDS as u64))]
    pub rounds: Option<usize>,

    /// Numbers of threads; past the processors too.
    #[arg(long, value_delimiter = ',', default_value = "1,2")]
    pub threads: Vec<usize>,

    /// Types of value: u64, s64 (64 bytes), arc (Arc<u64>), any (the process-wide Handle; for the
    /// peers a Box<dyn Any>).
    #[arg(long, value_delimiter = ',', default_value = "u64")]
    pub types: Vec<Type>,

    /// Only peers whose name contains one of these; ours take part always.
    #[arg(long, value_delimiter = ',')]
    pub systems: Vec<String>,

    /// Measures latencies of single operations, up to the slowest, instead.
    #[arg(long)]
    pub latency: bool,

    /// Measures memory per live value at a million, instead.
    #[arg(long)]
    pub memory: bool,

    /// Prints what the project promises itself, and whether the numbers keep it. Measures memory
    /// too.
    #[arg(long)]
    pub bars: bool,

    /// Where the CSV files and charts go, seen from the workspace's root; target/bench if not said.
    #[arg(long)]
    pub out: Option<PathBuf>,

    /// What `cargo bench` says to every bench.
    #[arg(long, hide = true)]
    bench: bool,

    /// Measures the memory of one system, in this process.
    #[arg(long, hide = true, value_name = "NAME")]
    pub memory_child: Option<String>,
}

impl Cli {
    pub fn rounds(&self) -> usize {
        let usual = if self.quick { 3 } else { 9 };
        self.rounds.unwrap_or(usual)
    }

    pub fn contenders(&self, kind: Type) -> Vec<Contender> {
        let mut all = contenders(kind);
        all.retain(|contender| {
            matches!(contender.role, Role::Ours | Role::OursToo)
                || chosen(&self.systems, contender.name)
        });
        all
    }

    /// What is to be measured, in order. Cells that differ in threads alone stand together: they
    /// are compared, so they share their rounds.
    pub fn groups(&self) -> Vec<Vec<Cell>> {
        let mut groups = Vec::new();
        for &kind in &self.types {
            for workload in Workload::ALL {
                let threads = self.threads.iter().filter(|&&n| workload.runs_on(n));
                let cells: Vec<_> = threads
                    .map(|&threads| Cell {
                        kind,
                        threads,
                        workload,
                    })
                    .collect();
                if chosen(&self.filter, workload.name()) && !cells.is_empty() {
                    groups.push(cells);
                }
            }
        }
        groups
    }

    pub fn out(&self) -> PathBuf {
        match &self.out {
            // `cargo bench` runs a bench in the directory of its package.
            Some(out) => match std::env::var_os("CARGO_MANIFEST_DIR") {
                Some(package) => PathBuf::from(package).join("..").join(out),
                None => out.clone(),
            },
            // The bench lies in target/release/deps.
            None => std::env::current_exe()
                .ok()
                .and_then(|exe| Some(exe.ancestors().nth(3)?.join("bench")))
                .unwrap_or_else(|| "bench".into()),
        }
    }
}

fn chosen(words: &[String], name: &str) -> bool {
    words.is_empty() || words.iter().any(|word| name.contains(word.as_str()))
}
