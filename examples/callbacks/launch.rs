//! Runs the program in `examples/sqlite`: SQLite calls back through handles, on several threads.
//!
//! That program is no example target, since `cargo test` compiles those, and would compile SQLite.
//! This launcher passes its arguments on to the program, and the exit status back.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

fn main() -> ExitCode {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("sqlite/Cargo.toml");
    if !manifest.is_file() {
        eprintln!("error: the SQLite program is missing: {} is not a file", manifest.display());
        return ExitCode::FAILURE;
    }
    // `cargo run` puts its own path into the variable CARGO.
    let cargo = env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
    let mut command = Command::new(&cargo);
    command.args(["run", "--release", "--manifest-path"]).arg(manifest).arg("--");
    match command.args(env::args_os().skip(1)).status() {
        Ok(status) => exit_code(status.code()),
        Err(error) => {
            eprintln!("error: cannot start {}: {error}", cargo.display());
            ExitCode::FAILURE
        }
    }
}

/// The program's own exit status. A program that a signal ended has none.
fn exit_code(code: Option<i32>) -> ExitCode {
    code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}
