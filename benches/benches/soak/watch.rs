//! The watchdog: fails the run if nobody, or one thread, makes no progress.

use std::{
    sync::{
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
        Arc, Mutex, PoisonError,
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    accounts::{fault, STEPS, WRONG_IN_SIGNALS},
    worker::Beat,
};

/// Without progress for so long a run has failed.
const PATIENCE: Duration = Duration::from_secs(30);

static BEATS: Mutex<Vec<Arc<Beat>>> = Mutex::new(Vec::new());

/// Has the watchdog look at the calling thread.
pub fn enter(began: Instant) -> Arc<Beat> {
    let now = AtomicU64::new(began.elapsed().as_micros() as u64);
    let beat = Arc::new(Beat { micros: now, at: AtomicUsize::new(0) });
    BEATS.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&beat));
    beat
}

pub fn leave(beat: &Arc<Beat>) {
    BEATS.lock().unwrap_or_else(PoisonError::into_inner).retain(|other| !Arc::ptr_eq(other, beat));
}

/// How many threads use tables now, without those of a crowd.
pub fn alive() -> usize {
    BEATS.lock().unwrap_or_else(PoisonError::into_inner).len()
}

/// Looks until the process ends.
pub fn watch(began: Instant) {
    let (mut steps, mut since) = (0, Instant::now());
    loop {
        thread::sleep(Duration::from_millis(500));
        if WRONG_IN_SIGNALS.get() != 0 {
            fault!("a signal handler saw {WRONG_IN_SIGNALS} wrong values");
        }
        let now = STEPS.get();
        if now != steps {
            (steps, since) = (now, Instant::now());
        }
        if since.elapsed() > PATIENCE {
            fault!("no progress for {PATIENCE:?}");
        }
        for beat in BEATS.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let last = Duration::from_micros(beat.micros.load(Relaxed));
            if began.elapsed().saturating_sub(last) > PATIENCE {
                let at = beat.at.load(Relaxed);
                fault!("a thread is in one step, number {at} in births.rs, for {PATIENCE:?}");
            }
        }
    }
}
