//! All systems side by side: `cargo bench -p benches --bench rivals -- --help`.

use std::io;

use clap::Parser;

use crate::cli::Cli;

mod results;

mod machine;

mod memory;

mod contenders;

mod cli;

mod report;

mod charts;

mod targets;

mod runner;

fn main() -> io::Result<()> {
    let cli = Cli::parse();
    match &cli.memory_child {
        Some(name) => {
            memory::child(name, cli.types[0]);
            Ok(())
        }
        None => runner::run(&cli),
    }
}
