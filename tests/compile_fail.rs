//! What must not compile, each beside a twin that does and differs in one thing. (That a table is not
//! `Sync` or `Send` where its values aren't stands in `traits.rs`.)
//!
//! Not in shrunken builds, which change nothing here, nor with `HANDLE_TABLE_SKIP_UI` set, where the
//! build is instrumented. Other compilers than the one that wrote the messages in `ui/*.stderr` may
//! say the same in other words: they are only asked for the twins.
#![cfg(not(any(loom, handle_table_small)))]

use std::{env, process::Command};

/// To write the messages anew: `TRYBUILD=overwrite cargo test --test compile_fail`.
const MESSAGES_OF: &str = "rustc 1.95.";

fn compiler() -> String {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output();
    String::from_utf8(output.expect("there is a compiler").stdout).expect("it says ASCII")
}

#[test]
fn what_must_not_compile_compiles_or_its_twin_does_not() {
    if env::var_os("HANDLE_TABLE_SKIP_UI").is_some() {
        return;
    }
    let tests = trybuild::TestCases::new();
    tests.pass("tests/ui/*_passes.rs");
    if compiler().starts_with(MESSAGES_OF) {
        tests.compile_fail("tests/ui/*_fails.rs");
    }
}
