//! The memory of a live value: resident memory before and after a million inserts. Each system has
//! a process of its own, so that the allocator's overhead counts and no other system's memory does.

use std::{
    fs,
    hint::black_box,
    io, mem,
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
};

use crate::contenders::{contenders, Contender};
use benches::{
    systems::System,
    value::{Type, Value},
};

pub const LIVE: usize = 1_000_000;

#[derive(Clone, Copy, Debug)]
pub struct Footprint {
    pub live: usize,
    pub bytes: usize,
}

impl Footprint {
    pub fn per_value(&self) -> f64 {
        self.bytes as f64 / self.live as f64
    }
}

/// Resident memory of the process before the inserts, when the system is already there.
static BEFORE: AtomicUsize = AtomicUsize::new(0);

pub(crate) fn fill<S: System>(live: usize) -> usize {
    let live = live.min(S::CAPACITY);
    let system = S::new();
    // One insert and remove first, which allocate what a thread or process needs only once.
    system.remove(system.insert(S::Value::make(0)));
    BEFORE.store(resident(), Ordering::Relaxed);
    for number in 0..live as u64 {
        black_box(system.insert(S::Value::make(number)));
    }
    mem::forget(system);
    live
}

/// Measures one system in a child process, which is this program with other arguments.
pub fn measure(contender: &Contender, kind: Type) -> io::Result<Footprint> {
    let output = Command::new(std::env::current_exe()?)
        .args(["--memory-child", contender.name, "--types", kind.name()])
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut numbers = text.split_whitespace().map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(live)), Some(Ok(bytes))) if output.status.success() => {
            Ok(Footprint { live, bytes })
        }
        _ => Err(io::Error::other(format!(
            "{}: {}",
            contender.name,
            String::from_utf8_lossy(&output.stderr)
        ))),
    }
}

/// The child process: prints the number of live values, and their bytes.
pub fn child(name: &str, kind: Type) {
    let all = contenders(kind);
    let contender = all.iter().find(|contender| contender.name == name);
    let live = (contender.expect("the parent knows it").fill)(LIVE);
    println!("{live} {}", resident() - BEFORE.load(Ordering::Relaxed));
}

/// Resident bytes of this process. From `smaps_rollup`, which counts pages when it is read; `statm`
/// lags behind.
fn resident() -> usize {
    let rollup = fs::read_to_string("/proc/self/smaps_rollup").unwrap_or_default();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Rss:"));
    let kilobytes = line.and_then(|rest| rest.split_whitespace().next());
    let kilobytes: usize = kilobytes
        .and_then(|number| number.parse().ok())
        .expect("/proc/self/smaps_rollup has an Rss line: Linux only");
    kilobytes * 1024
}
