//! The command line.

use std::path::PathBuf;

use clap::{builder::RangedU64ValueParser, Parser};

use crate::{
    contenders::{contenders, Contender, Role},
    results::Cell,
};
use benches::{stats::MOST_ROUNDS, value::Type, workloads::Workload};

/// Runs handle-table and its peers in turn, round by round, and compares their times.
///
/// Workloads: insert-remove, insert-get-remove, get-hot, get-1k, get-1m, pinned-hot, pinned-1k,
/// pinned-1m, pump, mixed-90-5-5, hand-off, storm-pairs, storm-gets, gets-beside-few,
/// gets-beside-none; src/workloads.rs describes what each times.
#[derive(Parser, Debug)]
#[command(name = "rivals")]
pub struct Cli {
    /// Run only workloads whose name contains one of these words.
    pub filter: Vec<String>,

    /// Fewer rounds of fewer operations: a quick check, and rough figures.
    #[arg(long)]
    pub quick: bool,

    /// Number of rounds [default: 9, or 3 with --quick].
    #[arg(long, value_parser = RangedU64ValueParser::<usize>::new().range(1..=MOST_ROUNDS as u64))]
    pub rounds: Option<usize>,

    /// Numbers of threads; may be more than there are processors.
    #[arg(long, value_delimiter = ',', default_value = "1,2")]
    pub threads: Vec<usize>,

    /// Types of value: u64, s64 (64 bytes), s128 (128 bytes), arc (Arc<u64>), any (the process-wide
    /// Handle; peers store a Box<dyn Any>).
    #[arg(long, value_delimiter = ',', default_value = "u64")]
    pub types: Vec<Type>,

    /// Run only peers whose name contains one of these words; our own tables always take part.
    #[arg(long, value_delimiter = ',')]
    pub systems: Vec<String>,

    /// Measure the latency of single operations instead, up to the slowest one.
    #[arg(long)]
    pub latency: bool,

    /// Measure the memory for each of a million live values instead.
    #[arg(long)]
    pub memory: bool,

    /// Print the project's targets, and whether the numbers meet them. Measures memory as well.
    #[arg(long = "bars")]
    pub targets: bool,

    /// Folder for the CSV files and charts, relative to the workspace [default: target/bench].
    #[arg(long)]
    pub out: Option<PathBuf>,

    /// `cargo bench` passes this to every bench.
    #[arg(long, hide = true)]
    bench: bool,

    /// Measure the memory of one system, in this process.
    #[arg(long, hide = true, value_name = "NAME")]
    pub memory_child: Option<String>,
}

impl Cli {
    pub fn rounds(&self) -> usize {
        let default = if self.quick { 3 } else { 9 };
        self.rounds.unwrap_or(default)
    }

    pub fn contenders(&self, kind: Type) -> Vec<Contender> {
        let mut all = contenders(kind);
        all.retain(|contender| {
            matches!(contender.role, Role::Ours | Role::OursToo)
                || chosen(&self.systems, contender.name)
        });
        all
    }

    /// The cells to measure, in order. Cells that differ only in the number of threads form a
    /// group, and so do look-ups beside few deletes and beside none: they are compared with each
    /// other, so they share their rounds.
    pub fn groups(&self) -> Vec<Vec<Cell>> {
        let mut groups: Vec<Vec<Cell>> = Vec::new();
        for &kind in &self.types {
            for workload in Workload::ALL {
                let threads = self.threads.iter().filter(|&&n| workload.runs_on(n));
                let cells: Vec<_> =
                    threads.map(|&threads| Cell { kind, threads, workload }).collect();
                if !chosen(&self.filter, workload.name()) || cells.is_empty() {
                    continue;
                }
                match groups.last_mut() {
                    Some(last)
                        if workload == Workload::GetsBesideNone
                            && last[0].workload == Workload::GetsBesideFew =>
                    {
                        last.extend(cells);
                    }
                    _ => groups.push(cells),
                }
            }
        }
        groups
    }

    pub fn out(&self) -> PathBuf {
        match &self.out {
            // `cargo bench` runs a bench in the folder of its package.
            Some(out) => match std::env::var_os("CARGO_MANIFEST_DIR") {
                Some(package) => PathBuf::from(package).join("..").join(out),
                None => out.clone(),
            },
            // The executable lies in target/release/deps.
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
