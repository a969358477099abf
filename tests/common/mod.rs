//! What the tests share: counted values, threads that start together, random numbers.
#![allow(dead_code)] // Each test crate uses a part of it.

use std::{
    sync::{
        atomic::{
            AtomicBool, AtomicUsize,
            Ordering::{Acquire, Relaxed, Release},
        },
        mpsc::channel,
        Barrier, Mutex, MutexGuard, PoisonError,
    },
    thread,
    time::{Duration, Instant},
};

use handle_table::{Handle, HandleTable};

/// Counts the values of one test, and what went wrong with them.
#[derive(Debug, Default)]
pub(crate) struct Census {
    made: AtomicUsize,
    dropped: AtomicUsize,
    faults: AtomicUsize,
}

impl Census {
    pub(crate) const fn new() -> Self {
        Self {
            made: AtomicUsize::new(0),
            dropped: AtomicUsize::new(0),
            faults: AtomicUsize::new(0),
        }
    }

    /// A value to be counted.
    pub(crate) fn witness(&'static self, number: usize) -> Witness {
        self.made.fetch_add(1, Relaxed);
        Witness {
            census: self,
            alive: AtomicUsize::new(ALIVE),
            number,
        }
    }

    pub(crate) fn made(&self) -> usize {
        self.made.load(Acquire)
    }

    pub(crate) fn dropped(&self) -> usize {
        self.dropped.load(Acquire)
    }

    /// Values made and not yet dropped.
    pub(crate) fn left(&self) -> usize {
        let dropped = self.dropped();
        self.made() - dropped
    }

    /// Every value was dropped, each of them once, and none while a reader saw it.
    #[track_caller]
    pub(crate) fn assert_all_dropped_once(&self) {
        assert_eq!(self.dropped(), self.made(), "values dropped, values made");
        assert_eq!(self.faults.load(Acquire), 0, "dropped twice, or too early");
    }
}

const ALIVE: usize = 0x600D_F00D;
const DEAD: usize = 0xDEAD;

/// A value that knows whether it is alive. It counts its faults and panics at none, since a panic
/// in a drop is contained by the table.
#[derive(Debug)]
pub(crate) struct Witness {
    census: &'static Census,
    alive: AtomicUsize,
    pub(crate) number: usize,
}

impl Witness {
    /// To be called by whoever sees it.
    pub(crate) fn look(&self) -> usize {
        if self.alive.load(Relaxed) != ALIVE {
            self.census.faults.fetch_add(1, Relaxed);
        }
        self.number
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        if self.alive.swap(DEAD, Relaxed) != ALIVE {
            self.census.faults.fetch_add(1, Relaxed);
        }
        self.census.dropped.fetch_add(1, Release);
    }
}

/// Runs `f(0)` to `f(n - 1)` on threads of their own, which start together; waits until all have
/// ended, their thread-locals included.
pub(crate) fn together<R: Send>(n: usize, f: impl Fn(usize) -> R + Sync) -> Vec<R> {
    let (gate, f) = (&Barrier::new(n), &f);
    thread::scope(|scope| {
        let run = |nth| {
            scope.spawn(move || {
                gate.wait();
                f(nth)
            })
        };
        let threads: Vec<_> = (0..n).map(run).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    })
}

/// Runs `f` on a thread of its own, and waits until that has ended, thread-locals included.
pub(crate) fn aside<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| scope.spawn(f).join().unwrap())
}

/// Runs `f` while another thread holds a pin, or a `Ref` if there is a value to be held.
pub(crate) fn while_another_reads<T: Send + Sync, R>(
    table: &HandleTable<T>,
    value: Option<Handle>,
    f: impl FnOnce() -> R,
) -> R {
    let (ready, is_ready) = channel();
    let (stop, is_stopped) = channel::<()>();
    thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let held = value.map(|handle| table.get(handle).unwrap());
            let pinned = held.is_none().then(|| table.pin());
            ready.send(()).unwrap();
            let _ = is_stopped.recv();
            drop((held, pinned));
        });
        is_ready.recv().unwrap();
        let result = f();
        drop(stop);
        reader.join().unwrap();
        result
    })
}

/// Sets a flag at the end of a scope, by whatever way: so that threads that go on until then end also
/// when a test fails.
pub(crate) struct SetAtEnd<'a>(pub(crate) &'a AtomicBool);

impl Drop for SetAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Release);
    }
}

/// Waits for what must come to pass by itself.
#[track_caller]
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "still not: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// One test of this file at a time: for those that a `Ref` held by another one would disturb.
pub(crate) fn serial() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The handle that C sends with this integer.
#[track_caller]
pub(crate) fn forge(raw: usize) -> Handle {
    Handle::from_raw(raw).expect("zero is tested elsewhere")
}

/// Random numbers that are the same in every run (splitmix64).
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn word(&mut self) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) as usize
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.word() % end
    }
}
