//! [`Backoff`]: for a thread that must wait for other threads.

use crate::sync::yield_now;

/// Waits a little longer each time: first by yielding the processor, after 64 times by sleeping.
pub(crate) struct Backoff(u32);

impl Backoff {
    pub(crate) fn new() -> Self {
        Self(0)
    }

    pub(crate) fn wait(&mut self) {
        self.0 = self.0.saturating_add(1);
        #[cfg(not(loom))]
        if self.0 > 64 {
            let micros = 10 << (self.0 - 64).min(7);
            std::thread::sleep(std::time::Duration::from_micros(micros));
            return;
        }
        yield_now();
    }
}
