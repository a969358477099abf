//! [`Deadline`]: for a wait that gives up.

use std::time::{Duration, Instant};

use super::now;

/// When a wait is over.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Deadline {
    Never,
    At(Instant),
    /// There is no clock, and no other thread that could end what is waited for.
    Now,
}

impl Deadline {
    /// The end of a wait of this length that begins now. Never, if that is beyond what the clock
    /// shows.
    pub(crate) fn after(timeout: Duration) -> Self {
        match now() {
            Some(now) => now.checked_add(timeout).map_or(Self::Never, Self::At),
            None => Self::Now,
        }
    }

    pub(crate) fn is_over(self) -> bool {
        match self {
            Self::Never => false,
            Self::At(end) => now().is_none_or(|now| now >= end),
            Self::Now => true,
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_over_when_its_time_has_passed() {
        assert!(Deadline::after(Duration::ZERO).is_over());
        assert!(!Deadline::after(Duration::from_secs(1 << 30)).is_over());
        assert!(!Deadline::after(Duration::MAX).is_over(), "beyond what the clock shows");
        assert!(!Deadline::Never.is_over());
        assert!(Deadline::Now.is_over());
    }
}
