//! Facts about the run: machine, system, compiler, versions, command.

use std::{fs, process::Command, thread};

use benches::{race::threads_stay, ALLOCATOR};

/// The crates whose versions the numbers depend on.
const CRATES: [&str; 9] = [
    "handle-table",
    "crossbeam-epoch",
    "sharded-slab",
    "idr-ebr",
    "concurrent-slotmap",
    "ffi-support",
    "slotmap",
    "papaya",
    "dashmap",
];

/// Pairs of a name and a value, such as "compiler" and "rustc 1.95.0".
pub fn facts() -> Vec<(&'static str, String)> {
    vec![
        ("date", output("date", &["-u", "+%Y-%m-%d %H:%M UTC"])),
        ("machine", machine()),
        ("system", output("uname", &["-srm"])),
        ("threads", threads()),
        ("compiler", output("rustc", &["--version"])),
        ("allocator", ALLOCATOR.into()),
        ("versions", versions()),
        ("command", command()),
    ]
}

fn machine() -> String {
    let field = |file, name: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let mut lines = text.lines().filter_map(|line| line.split_once(':'));
        let found = lines.find(|(key, _)| key.trim() == name);
        found.map_or("unknown".into(), |(_, value)| value.trim().to_owned())
    };
    // In a virtual machine the model name may be no more than the maker's, so family and model are
    // printed too.
    let cpu = |name| field("/proc/cpuinfo", name);
    format!(
        "{} (family {}, model {}), {} processors, {} of memory",
        cpu("model name"),
        cpu("cpu family"),
        cpu("model"),
        thread::available_parallelism().map_or(0, usize::from),
        field("/proc/meminfo", "MemTotal"),
    )
}

fn threads() -> String {
    let stay = "each stays on a processor of its own, if there are enough";
    let wander = "placed by the scheduler";
    if threads_stay() { stay } else { wander }.into()
}

fn versions() -> String {
    // Cargo writes the lock file beside the workspace's manifest before it builds anything.
    let lock = include_str!("../../../Cargo.lock");
    let version = |name| {
        let entry = format!("name = \"{name}\"\nversion = \"");
        let (_, rest) = lock.split_once(&entry)?;
        rest.split_once('"').map(|(version, _)| version)
    };
    CRATES.map(|name| format!("{name} {}", version(name).unwrap_or("?"))).join(", ")
}

fn command() -> String {
    let mut words = vec!["cargo bench -p benches --bench rivals".to_owned()];
    if cfg!(feature = "mimalloc") {
        words.push("--features mimalloc".into());
    }
    let args: Vec<_> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    if !args.is_empty() {
        words.push("--".into());
        words.extend(args);
    }
    words.join(" ")
}

fn output(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    output.map_or("unknown".into(), |output| {
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    })
}
