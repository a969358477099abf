//! The command line.

use clap::Parser;

/// Mixes all verbs of all tables for a chosen time, in threads that are born and die, with forks,
/// signals, slow and panicking drops, and wrong handles. Ends with status 1 at the first fault:
/// a value that is not alive, a dead handle that is valid, a count that is not exact, memory that
/// grows, no progress.
#[derive(Parser, Debug)]
#[command(name = "soak")]
pub struct Cli {
    /// How long to run.
    #[arg(long, default_value_t = 60)]
    pub seconds: u64,

    /// Where the random numbers begin [default: from the clock]. The threads' turns are not
    /// repeated by it.
    #[arg(long)]
    pub seed: Option<u32>,

    /// The most threads at a time, crowds not counted [default: eight for each processor, at
    /// most 32].
    #[arg(long)]
    pub threads: Option<usize>,

    /// `cargo bench` passes this to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}
