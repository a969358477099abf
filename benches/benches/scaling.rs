//! How the verbs grow with cores and NUMA nodes, by the model in `benches::model`:
//! `cargo bench -p benches --bench scaling -- --help`.
//! docs/lab/scaling-model.md discusses its tables.

use std::{
    fs::File,
    hint::black_box,
    io::{self, Write},
    path::PathBuf,
    sync::Barrier,
    thread,
    time::Instant,
};

use benches::{
    model::{
        machine::{Machine, Outcome},
        memory::{Costs, MAX_CORES},
        verbs::Verb,
    },
    stats::median,
};
use clap::Parser;
use handle_table::HandleTable;

/// Models a verb on many cores. Times are nanoseconds. "Busy" is a line that is in transfer between
/// cores for more than 80 % of the time: there, more cores do not raise the throughput.
///
/// The defaults for near and far are rounded medians that nviennot/core-to-core-latency (README.md)
/// gives for two Xeon Platinum 8375C: 51 and 108. Its AMD EPYC 7R13 has 23 in a group of 8 cores,
/// 107 in a socket, 197 across sockets.
#[derive(Parser, Debug)]
#[command(name = "scaling")]
struct Cli {
    /// Run only verbs whose name contains one of these words.
    filter: Vec<String>,

    /// Numbers of cores. Each runs one thread.
    #[arg(long, value_delimiter = ',', default_value = "1,2,8,64,128,256")]
    cores: Vec<usize>,

    /// Numbers of NUMA nodes, among which the cores are divided.
    #[arg(long, value_delimiter = ',', default_value = "1,2,4,8")]
    nodes: Vec<usize>,

    /// Time to get a line from another core of the node.
    #[arg(long, default_value_t = 50.0)]
    near: f64,

    /// Time to get a line from another node.
    #[arg(long, default_value_t = 110.0)]
    far: f64,

    /// How long a copy of a line to one more reader keeps the next one waiting. A guess: some
    /// cycles of a cache.
    #[arg(long, default_value_t = 5.0)]
    serve: f64,

    /// Lines in transfer at a time, in crossbeam's scans of its participants and copies of bags. A
    /// guess: a core has room for ten and more, but a list is followed link by link.
    #[arg(long, default_value_t = 4.0)]
    overlap: f64,

    /// Time to look at one participant in such a scan, wherever its lines are. For the measurement
    /// see docs/lab/scaling-model.md.
    #[arg(long = "walk", default_value_t = 10.0)]
    scan: f64,

    /// Pins of a thread from one collection to the next. A constant of crossbeam-epoch.
    #[arg(long, default_value_t = 128)]
    pins_per_collect: u64,

    /// Without the sentinel, which ends crossbeam's scans between grace periods.
    #[arg(long = "no-anchor")]
    no_sentinel: bool,

    /// Deletes in a batch. The default is that of values without a destructor; others have 256 (see
    /// `batch_limit` in src/config.rs).
    #[arg(long, default_value_t = 1024)]
    batch: usize,

    /// Time of a verb on a thread that runs alone, in place of the measured one.
    #[arg(long, value_name = "VERB=NS", value_parser = work)]
    work: Vec<(String, f64)>,

    /// Operations of each thread. Should fill several batches.
    #[arg(long, default_value_t = 12288)]
    turns: u64,

    /// Measure on this machine instead: a get with a pin each on one thread, while that many other
    /// threads are registered with the collector and sleep.
    #[arg(long, value_delimiter = ',', value_name = "THREADS")]
    idle: Vec<usize>,

    /// Also write all results to this file, relative to the workspace.
    #[arg(long)]
    csv: Option<PathBuf>,

    /// `cargo bench` passes this to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

fn work(text: &str) -> Result<(String, f64), String> {
    let (verb, ns) = text.split_once('=').ok_or("must be VERB=NS")?;
    let ns = ns.parse().map_err(|error| format!("{ns}: {error}"))?;
    Ok((verb.into(), ns))
}

impl Cli {
    fn verbs(&self) -> Vec<Verb> {
        let chosen = |name: &str| {
            self.filter.is_empty() || self.filter.iter().any(|word| name.contains(word.as_str()))
        };
        let mut verbs = Verb::all(self.batch.max(1));
        verbs.retain(|verb| chosen(verb.name));
        for verb in &mut verbs {
            if let Some((_, ns)) = self.work.iter().find(|(name, _)| name == verb.name) {
                verb.work = *ns;
            }
        }
        verbs
    }

    fn run(&self, verb: &Verb, cores: usize, nodes: usize) -> Outcome {
        let costs = Costs {
            near: self.near,
            far: self.far,
            serve: self.serve,
            overlap: self.overlap.max(1.0),
            scan: self.scan,
            pins_per_collect: self.pins_per_collect.max(1),
            sentinel: !self.no_sentinel,
        };
        Machine::new(verb, cores, nodes, &costs).run(self.turns)
    }
}

/// The time of a get with a pin beside that many sleeping threads: the median of 15 rounds.
fn get_beside(idle: usize) -> f64 {
    const OPS: u32 = 1 << 18;
    let table = HandleTable::new();
    let handle = table.insert(7_u64);
    let read = || black_box(table.get(black_box(handle)).map(|value| *value));
    let (ready, done) = (Barrier::new(idle + 1), Barrier::new(idle + 1));
    thread::scope(|scope| {
        for _ in 0..idle {
            scope.spawn(|| {
                let _ = read();
                ready.wait();
                done.wait();
            });
        }
        ready.wait();
        let round = |_| {
            let start = Instant::now();
            for _ in 0..OPS {
                let _ = read();
            }
            start.elapsed().as_nanos() as f64 / f64::from(OPS)
        };
        let rounds: Vec<_> = (0..15).map(round).collect();
        done.wait();
        median(&rounds)
    })
}

/// The name of the line that is in transfer nearly all of the time, if there is one.
fn busy_line(outcome: &Outcome) -> String {
    match outcome.busiest {
        Some((line, share)) if share > 0.8 => {
            let name = format!("{line:?}");
            name.split('(').next().unwrap_or_default().into()
        }
        _ => "-".into(),
    }
}

fn main() -> io::Result<()> {
    let mut cli = Cli::parse();
    cli.cores.retain(|cores| (1..=MAX_CORES).contains(cores));
    if !cli.idle.is_empty() {
        for &idle in &cli.idle {
            println!("{idle:>6} idle threads: get {:>8.1} ns", get_beside(idle));
        }
        return Ok(());
    }
    let mut csv = match &cli.csv {
        // `cargo bench` runs a bench in the folder of its package.
        Some(path) => Some(File::create(match std::env::var_os("CARGO_MANIFEST_DIR") {
            Some(package) => PathBuf::from(package).join("..").join(path),
            None => path.clone(),
        })?),
        None => None,
    };
    if let Some(csv) = &mut csv {
        writeln!(csv, "nodes,verb,cores,ns_per_op,million_ops_per_second,busy")?;
    }
    for verb in cli.verbs() {
        println!("{:<12} {}; alone {} ns", verb.name, verb.about, verb.work);
    }
    for &nodes in &cli.nodes {
        let cores: Vec<_> = cli.cores.iter().copied().filter(|&n| n >= nodes).collect();
        let (mut ns, mut rates, mut busiest) = (String::new(), String::new(), String::new());
        for verb in cli.verbs() {
            for table in [&mut ns, &mut rates, &mut busiest] {
                *table += &format!("\n  {:<24}", verb.name);
            }
            for &cores in &cores {
                let outcome = cli.run(&verb, cores, nodes);
                let line = busy_line(&outcome);
                ns += &format!(" {:>10.1}", outcome.ns);
                rates += &format!(" {:>10.0}", outcome.million_ops);
                busiest += &format!(" {line:>10}");
                if let Some(csv) = &mut csv {
                    let (name, Outcome { ns, million_ops, .. }) = (verb.name, outcome);
                    writeln!(csv, "{nodes},{name},{cores},{ns:.3},{million_ops:.3},{line}")?;
                }
            }
        }
        let head: String = cores.iter().map(|cores| format!(" {cores:>10}")).collect();
        let tables = [("ns/op", ns), ("Mops/s", rates), ("busy", busiest)];
        for (what, rows) in tables {
            println!("\n{:<26}{head}{rows}", format!("{nodes} node(s): {what}, cores:"));
        }
    }
    Ok(())
}
