//! [`World`]: what all threads of the process share.

#[cfg(not(loom))]
use crossbeam_utils::CachePadded;

#[cfg(not(loom))]
use super::own::DROPS_OUTSIDE;
use super::{
    collector::Outsiders,
    eras::{earlier, Eras},
    grace::Grace,
    lease::Leases,
    record::Record,
    retired::{Fields, ListStack, Owned, RetiredList},
};
use crate::{
    config::MAX_SHARDS,
    sync::{fence, AtomicBool, AtomicUsize, Ordering},
};

/// loom has no cache lines.
#[cfg(loom)]
type CachePadded<T> = T;

/// What all threads share: who may read, who does, and what waits for any of them.
#[derive(Debug)]
pub(super) struct World {
    pub(super) eras: CachePadded<Eras>,
    pub(super) leases: Leases,
    /// The record of lease number n.
    pub(super) records: RecordsRef,
    /// Lease numbers at and above this were never claimed.
    used: AtomicUsize,
    /// How many leases are out.
    leased: AtomicUsize,
    pub(super) outsiders: CachePadded<Outsiders>,
    pub(super) grace: CachePadded<Grace>,
    pub(super) left: CachePadded<Left>,
    /// Generations below this are not issued: not zero in a forked child.
    #[cfg(not(loom))]
    pub(super) floor: AtomicUsize,
    watches_forks: AtomicBool,
}

/// What any thread may drop.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) lists: ListStack,
    /// How many threads drop it until nothing is left.
    pub(super) turns: AtomicUsize,
    /// Which of them has begun a piece of it last.
    pub(super) last_turn: AtomicUsize,
    /// How many threads without a lease are dropping something.
    drops_outside: AtomicUsize,
}

impl Left {
    crate::sync::const_unless_loom! {
        const fn new() -> Self {
            Self {
                lists: ListStack::new(),
                turns: AtomicUsize::new(0),
                last_turn: AtomicUsize::new(0),
                drops_outside: AtomicUsize::new(0),
            }
        }
    }
}

/// A forked child asks for the drops of threads without a lease. loom knows no forks.
#[cfg_attr(loom, allow(dead_code))]
impl Left {
    pub(super) fn begin_drop_outside(&self) {
        // edge: none. A thread that must see it has learned of the drop from the drop.
        self.drops_outside.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn end_drop_outside(&self) {
        // edge: pin. Release: all that the drop did comes before what a thread does that finds no
        // such drop.
        self.drops_outside.fetch_sub(1, Ordering::Release);
    }

    pub(super) fn drops_outside(&self) -> usize {
        // edge: pin. Acquire: after all that the drops did that have ended.
        self.drops_outside.load(Ordering::Acquire)
    }

    /// In a forked child, whose one thread makes so many such drops.
    #[cfg(not(loom))]
    pub(super) fn set_drops_outside(&self, own: usize) {
        // edge: none. The child has one thread.
        self.drops_outside.store(own, Ordering::Relaxed);
    }
}

type Records = [CachePadded<Record>; MAX_SHARDS];
/// A static of its own, since it is large and all zeroes, which takes no room in a program's file.
#[cfg(not(loom))]
type RecordsRef = &'static Records;
#[cfg(loom)]
type RecordsRef = Records;

#[cfg(not(loom))]
pub(super) type WorldRef = &'static World;
#[cfg(loom)]
pub(super) type WorldRef = std::sync::Arc<World>;

#[cfg(not(loom))]
#[inline(always)]
pub(super) fn world() -> WorldRef {
    static RECORDS: Records = [const { CachePadded::new(Record::new()) }; MAX_SHARDS];
    static WORLD: World = World {
        eras: CachePadded::new(Eras::new()),
        leases: Leases::new(),
        records: &RECORDS,
        used: AtomicUsize::new(0),
        leased: AtomicUsize::new(0),
        outsiders: CachePadded::new(Outsiders::new()),
        grace: CachePadded::new(Grace::new()),
        left: CachePadded::new(Left::new()),
        floor: AtomicUsize::new(0),
        watches_forks: AtomicBool::new(false),
    };
    &WORLD
}

/// The world of this execution. Shared, not static, since loom's statics end before the main
/// thread's locals do. std's `Arc` adds no edge to a model.
#[cfg(loom)]
pub(super) fn world() -> WorldRef {
    loom::lazy_static! {
        static ref WORLD: WorldRef = std::sync::Arc::new(World {
            eras: Eras::new(),
            leases: Leases::new(),
            records: std::array::from_fn(|_| Record::new()),
            used: AtomicUsize::new(0),
            leased: AtomicUsize::new(0),
            outsiders: Outsiders::new(),
            grace: Grace::new(),
            left: Left::new(),
            watches_forks: AtomicBool::new(true),
        });
    }
    std::sync::Arc::clone(&WORLD)
}

/// A reader, or all readers without a record, whom something must wait for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum InTheWay {
    /// The reader with this lease number.
    Record(usize),
    Outsiders,
}

impl World {
    /// Takes a lease, with its record, for the calling thread, which has none. `watch_forks` is
    /// called by the first one.
    pub(super) fn claim(&self, watch_forks: fn()) -> Option<usize> {
        self.eras.start();
        // edge: none. Once is enough, and twice does no harm.
        if !self.watches_forks.load(Ordering::Relaxed) {
            watch_forks();
            // edge: none. After that: a thread that is forked in between watches by itself.
            self.watches_forks.store(true, Ordering::Relaxed);
        }
        let number = if cfg!(handle_table_no_leases) { None } else { self.leases.claim() }?;
        // Its first word is behind the fence below, so all of its pins are fenced if this is true.
        self.records[number].set_fenced_for_good(self.eras.now().is_refused());
        // edge: pin. Relaxed: ordered by the fence.
        self.used.fetch_max(number + 1, Ordering::Relaxed);
        // edge: pin. Relaxed: ordered by the fence.
        self.leased.fetch_add(1, Ordering::Relaxed);
        // edge: pin. SeqCst fence between these counts and the first look at a slot. A scan that
        // misses the record, in whatever mode, is that of a deleter whose unlinks are seen.
        fence(Ordering::SeqCst);
        Some(number)
    }

    /// Returns a lease. Its record has ended. `is_counted` says whether it is among those that are
    /// counted: in a forked child, those of ended threads are not.
    pub(super) fn give_back(&self, number: usize, is_counted: bool) {
        if is_counted {
            // edge: pin. Release: all that the reader did comes before what those do who find that
            // no other thread has a record.
            self.leased.fetch_sub(1, Ordering::Release);
        }
        self.leases.give_back(number);
    }

    /// In a forked child, whose one thread has so many leases. Those of other threads stay out, but
    /// nobody has them.
    #[cfg(not(loom))]
    pub(super) fn set_leased(&self, own: usize) {
        // edge: none. The child has one thread.
        self.leased.store(own, Ordering::Relaxed);
    }

    /// How many leases are out.
    fn leased(&self) -> usize {
        // edge: pin. Acquire: after all that the readers did that have ended. Those that begin are
        // ordered by the fence of the scan, and that of `claim`.
        self.leased.load(Ordering::Acquire)
    }

    /// Whether no thread has a record but the one with this number plus one, if it is not zero.
    pub(super) fn is_alone(&self, own: usize) -> bool {
        self.leased() == usize::from(own != 0)
    }

    /// Whether a record is in the way of what was unlinked before the era `target` began, or ever,
    /// if there is none. `refused` says that a record counts as in the way whose pins may have had
    /// no fence, except that of the calling thread.
    fn is_record_in_the_way(
        &self,
        number: usize,
        target: Option<usize>,
        own: usize,
        refused: bool,
    ) -> bool {
        let record = &self.records[number];
        record.is_in_the_way(target) || refused && number + 1 != own && !record.is_fenced_for_good()
    }

    /// Whether no other thread has a record, nor drops anything without one: of a forked child,
    /// which has lost what other threads were about.
    #[cfg(not(loom))]
    pub(super) fn is_alone_in_child(&self, own: usize) -> bool {
        self.leased() == usize::from(own != 0) + self.orphans_of_this_thread()
            && self.left.drops_outside() == usize::from(DROPS_OUTSIDE.get())
            && !self.outsiders.are_in_the_way(None)
    }

    /// Whether a guard is held that the calling thread took before its locals were destroyed.
    pub(super) fn has_orphan_of_this_thread(&self) -> bool {
        #[cfg(not(loom))]
        return self.orphans_of_this_thread() > 0;
        #[cfg(loom)]
        false
    }

    /// In how many records such guards are held.
    #[cfg(not(loom))]
    fn orphans_of_this_thread(&self) -> usize {
        self.used_records().iter().filter(|record| record.is_orphan_of_this_thread()).count()
    }

    /// The records that may have a reader.
    pub(super) fn used_records(&self) -> &[CachePadded<Record>] {
        // edge: pin. Relaxed: ordered by the fence of the scan, and that of `claim`.
        &self.records[..self.used.load(Ordering::Relaxed)]
    }

    /// Finds a reader in the way of something, as far as a look without a barrier shows. `own` is
    /// the calling thread's lease number plus one, or zero.
    #[inline]
    pub(super) fn find(&self, waiting: Fields, own: usize, refused: bool) -> Option<InTheWay> {
        let mut numbers = 0..self.used_records().len();
        let in_the_way = |&n: &usize| self.is_record_in_the_way(n, waiting.target, own, refused);
        if let Some(number) = numbers.find(in_the_way) {
            return Some(InTheWay::Record(number));
        }
        self.outsiders.are_in_the_way(waiting.ticket).then_some(InTheWay::Outsiders)
    }

    /// Ends the fenced mode, if that costs more than it saves.
    #[cold]
    pub(super) fn end_storm(&self) {
        let looks = self.used_records().iter().map(|record| record.looks());
        self.eras.end_storm(looks.fold(0, usize::wrapping_add));
    }

    /// Counts a look at the readers, by the owner of this record.
    #[inline]
    fn count_look(&self, own: usize) {
        if let Some(record) = self.records.get(own.wrapping_sub(1)) {
            record.count_look();
        }
    }

    /// Finds a reader in the way of what the caller has unlinked.
    #[inline]
    pub(super) fn find_after_unlink(&self, own: usize) -> Option<InTheWay> {
        self.count_look(own);
        let mut found = None;
        self.eras.scan(
            || self.is_alone(own),
            |refused| {
                found = self.find(Fields::default(), own, refused);
                found.is_some()
            },
        );
        found
    }

    /// Whether a reader that was found in the way of something still is, behind a barrier.
    pub(super) fn is_still(&self, found: InTheWay, waiting: Fields, own: usize) -> bool {
        self.eras.scan(
            || self.is_alone(own),
            |refused| match found {
                InTheWay::Record(number) => {
                    self.is_record_in_the_way(number, waiting.target, own, refused)
                }
                InTheWay::Outsiders => self.outsiders.are_in_the_way(waiting.ticket),
            },
        )
    }

    /// The era of the oldest reader with a record; `or` without one.
    fn oldest_era(&self, or: usize) -> usize {
        let eras = self.used_records().iter().filter_map(|record| record.era());
        eras.fold(or, earlier)
    }

    /// The oldest era of a reader that may have missed what the caller has seen unlinked; or
    /// `target`, if that is earlier. `None` if readers may be hidden.
    pub(super) fn scan_eras(&self, target: usize, own: usize) -> Option<usize> {
        self.count_look(own);
        let mut oldest = target;
        let are_hidden = self.eras.scan(
            || self.is_alone(own),
            |refused| {
                // The words first, see `Record::is_fenced_for_good`.
                oldest = self.oldest_era(target);
                let mut others = (0..self.used_records().len()).filter(|n| n + 1 != own);
                refused && others.any(|number| !self.records[number].is_fenced_for_good())
            },
        );
        (!are_hidden).then_some(oldest)
    }

    /// Leaves a list to all threads.
    pub(super) fn leave(&self, list: RetiredList) {
        if !list.is_empty() {
            self.left.lists.push(list);
            self.say_left();
        }
    }

    /// Says that something is left to all threads, after it was pushed.
    fn say_left(&self) {
        // edge: left. SeqCst fence between the push and the look at the flag, and that of
        // `end_call` at the turns. Its twins stand in `take_left`, between the flag and the look at
        // what is left, and at the end of a turn.
        fence(Ordering::SeqCst);
        if !self.eras.now().is_left() {
            self.eras.set_left();
        }
    }

    /// Takes one of those that are left to all threads; if there is none, says so.
    pub(super) fn take_left(&self) -> Option<Owned> {
        loop {
            if let Some(one) = self.left.lists.take_one() {
                if !self.left.lists.is_empty() {
                    // Another thread may have found nothing meanwhile, and said so.
                    self.say_left();
                }
                return Some(one);
            }
            self.eras.clear_left();
            // edge: left. SeqCst fence between the flag and the look at what is left.
            fence(Ordering::SeqCst);
            if self.outsiders.may_let_go() {
                // A signal handler leaves that there, and sets the flag.
                self.left.lists.push(self.outsiders.parked.take());
            }
            if self.left.lists.is_empty() {
                return None;
            }
        }
    }

    /// Begins an era, unless a reader, or what is known for tickets, is too far behind. Returns it,
    /// or the one that will come next.
    pub(super) fn begin_era(&self) -> usize {
        let now = self.eras.now().era();
        self.eras.begin_era(earlier(self.oldest_era(now), self.grace.over()))
    }
}
