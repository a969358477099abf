//! Resident memory, which must level off.

/// The last quarter of a run may have so much more than the second: a quarter, and this.
const MARGIN_MIB: f64 = 16.0;

/// Resident MiB of this process; `None` where that is not known.
pub fn resident() -> Option<f64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: f64 = statm.split(' ').nth(1)?.parse().ok()?;
    Some(pages * page_bytes() as f64 / f64::from(1 << 20))
}

#[cfg(unix)]
fn page_bytes() -> usize {
    // SAFETY: it takes a number.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) as usize }
}

#[cfg(not(unix))]
fn page_bytes() -> usize {
    0
}

/// Samples of the resident memory, taken at equal distances.
pub struct Samples(Vec<f64>);

impl Samples {
    pub fn new() -> Self {
        Self(Vec::new())
    }

    pub fn take(&mut self) {
        self.0.extend(resident());
    }

    /// The medians of the second and the last quarter, and the most that the last may be.
    pub fn quarters(&self) -> Option<(f64, f64, f64)> {
        let quarter = self.0.len() / 4;
        if quarter == 0 {
            return None;
        }
        let second = median(&self.0[quarter..2 * quarter]);
        let last = median(&self.0[self.0.len() - quarter..]);
        Some((second, last, second * 1.25 + MARGIN_MIB))
    }
}

fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
