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

    /// Lines in transfer at a time, in a look at the readers' records. A guess: a core has room for
    /// ten and more.
    #[arg(long, default_value_t = 8.0)]
    overlap: f64,

    /// Time to look at one record, wherever its line is. `--idle` measures it.
    #[arg(long = "walk", default_value_t = 0.5)]
    scan: f64,

    /// Time that a heavy barrier takes the thread that makes it.
    #[arg(long, default_value_t = 5000.0)]
    barrier: f64,

    /// Time that a heavy barrier takes each other thread. A guess.
    #[arg(long, default_value_t = 1000.0)]
    interrupt: f64,

    /// Time of a reader's fence, of which a pin in fenced mode has one, and its end another: half
    /// of `PIN_NANOS` in src/epoch/storm.rs.
    #[arg(long, default_value_t = 2.0)]
    fence: f64,

    /// Begin in fenced mode. Otherwise that begins when deletes make barriers too often.
    #[arg(long)]
    fenced: bool,

    /// Further threads, which have used a table and sleep.
    #[arg(long, default_value_t = 0)]
    asleep: usize,

    /// Deletes in a batch: the default is that of `batch_limit` in src/config.rs.
    #[arg(long, default_value_t = 1024)]
    batch: usize,

    /// Time of a verb on a thread that runs alone, in place of the measured one.
    #[arg(long, value_name = "VERB=NS", value_parser = work)]
    work: Vec<(String, f64)>,

    /// Operations of each thread. Should fill several batches.
    #[arg(long, default_value_t = 12288)]
    turns: u64,

    /// Measure on this machine instead: a get with a pin each, and an insert and delete of a value
    /// with something to drop, on one thread, while that many other threads have used a table and
    /// sleep.
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
            barrier: self.barrier,
            interrupt: self.interrupt,
            fence: self.fence,
            asleep: self.asleep,
            fenced: self.fenced,
        };
        // Where each operation looks at all records, a few operations take long enough.
        let turns = if verb.batch == 1 { self.turns / 32 } else { self.turns };
        Machine::new(verb, cores, nodes, &costs).run(turns)
    }
}

/// A value with something to drop.
struct Droppable(u64);

impl Drop for Droppable {
    fn drop(&mut self) {
        black_box(self.0);
    }
}

/// The times of a get with a pin, and of an insert and delete of a value with something to drop,
/// beside that many sleeping threads: medians of 15 rounds.
fn times_beside(idle: usize) -> [f64; 2] {
    let table = HandleTable::new();
    let handle = table.insert(Droppable(7));
    let read = || {
        let _ = black_box(table.get(black_box(handle)).map(|value| value.0));
    };
    let delete = || {
        let _ = black_box(table.remove(table.insert(Droppable(8))));
    };
    let (ready, done) = (Barrier::new(idle + 1), Barrier::new(idle + 1));
    thread::scope(|scope| {
        for _ in 0..idle {
            scope.spawn(|| {
                read();
                ready.wait();
                done.wait();
            });
        }
        ready.wait();
        let times = [median_of_rounds(1 << 18, read), median_of_rounds(1 << 15, delete)];
        done.wait();
        times
    })
}

fn median_of_rounds(ops: u32, op: impl Fn()) -> f64 {
    let round = |_| {
        let start = Instant::now();
        (0..ops).for_each(|_| op());
        start.elapsed().as_nanos() as f64 / f64::from(ops)
    };
    median(&(0..15).map(round).collect::<Vec<_>>())
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
            let [get, new_drop] = times_beside(idle);
            println!("{idle:>6} idle threads: get {get:>8.1} ns, new-drop {new_drop:>8.1} ns");
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
