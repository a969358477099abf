//! [`Model`]: what a table must hold, and answer for any integer.

use handle_table::{CallError, HandleError, Stats};

use crate::{
    forge::INDEX_BITS,
    ledger::{self, Number},
};

/// What a handle stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    Null,
    Live(Number),
    NotYet,
    Deleted,
    Unknown,
}

/// What a table does with the values that are deleted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Drops {
    /// Each goes with its delete, or with the last reader.
    Promptly,
    /// Each goes with its delete, whoever reads.
    AtOnce,
    /// They may wait for a flush.
    InBatches,
    /// There is nothing to drop.
    None,
}

/// A value that was deleted, and perhaps not dropped.
#[derive(Debug)]
struct Deleted {
    number: Number,
    /// The threads that may be looking at it, as bits. While there is one, it is not dropped.
    readers: u8,
    /// Once none of these threads is left it is dropped; `None` if it may wait for longer.
    awaited: Option<u8>,
}

/// What a table must hold. Handles are in the order in which they were issued, since a script must
/// do the same in each run, and handles are different in each.
#[derive(Debug)]
pub(crate) struct Model {
    drops: Drops,
    limit: usize,
    live: Vec<(usize, Number)>,
    reserved: Vec<usize>,
    /// All handles that were ever shown.
    seen: Vec<usize>,
    deleted: Vec<Deleted>,
    /// How many guards each thread holds.
    guards: [usize; 8],
    /// The values that are borrowed.
    borrowed: Vec<Number>,
    /// Values whose drop deletes a handle.
    chains: Vec<(Number, usize)>,
    pub(crate) bad_handles: usize,
    pub(crate) call_panics: usize,
    drop_panics: usize,
}

impl Model {
    pub(crate) fn new(drops: Drops, limit: usize) -> Self {
        Self {
            drops,
            limit,
            live: Vec::new(),
            reserved: Vec::new(),
            seen: Vec::new(),
            deleted: Vec::new(),
            guards: [0; 8],
            borrowed: Vec::new(),
            chains: Vec::new(),
            bad_handles: 0,
            call_panics: 0,
            drop_panics: 0,
        }
    }

    pub(crate) fn drops(&self) -> Drops {
        self.drops
    }

    pub(crate) fn live(&self) -> &[(usize, Number)] {
        &self.live
    }

    pub(crate) fn seen(&self) -> &[usize] {
        &self.seen
    }

    pub(crate) fn is_full(&self) -> bool {
        self.live.len() + self.reserved.len() >= self.limit
    }

    pub(crate) fn fate(&self, raw: usize) -> Fate {
        if raw == 0 {
            Fate::Null
        } else if let Some((_, number)) = self.live.iter().find(|(live, _)| *live == raw) {
            Fate::Live(*number)
        } else if self.reserved.contains(&raw) {
            Fate::NotYet
        } else if self.seen.contains(&raw) {
            Fate::Deleted
        } else {
            Fate::Unknown
        }
    }

    pub(crate) fn is_live(&self, raw: usize) -> bool {
        matches!(self.fate(raw), Fate::Live(_))
    }

    /// A table has given this error for a handle.
    pub(crate) fn refused(&self, raw: usize, error: HandleError) {
        let said = match error {
            HandleError::Null => Fate::Null,
            HandleError::NotYet { .. } => Fate::NotYet,
            HandleError::Deleted { .. } => Fate::Deleted,
            HandleError::Unknown { .. } => Fate::Unknown,
            other => panic!("{raw:#x}: {other}"),
        };
        if said != Fate::Deleted || !self.may_be_skipped(raw) {
            assert_eq!(said, self.fate(raw), "{raw:#x}: {error}");
        }
        assert_eq!(error.raw().unwrap_or(0), raw, "the error names another handle");
    }

    /// Whether a handle that was never issued may count as deleted: if its slot went from thread to
    /// thread, which skips a generation. In full widths no script has so many free slots.
    fn may_be_skipped(&self, raw: usize) -> bool {
        let is_of_slot = |seen: &usize| (seen ^ raw) & ((1 << INDEX_BITS) - 1) == 0;
        cfg!(handle_table_small)
            && self.fate(raw) == Fate::Unknown
            && self.seen.iter().any(is_of_slot)
    }

    /// A callback has got this error for a handle.
    pub(crate) fn call_refused(&mut self, raw: usize, error: CallError) {
        match error {
            CallError::Handle(error) => self.refused(raw, error),
            other => panic!("{raw:#x}: {other}"),
        }
        self.bad_handles += 1;
    }

    /// A table has found this value for a handle; `None` if the value was borrowed.
    pub(crate) fn found(&self, raw: usize, number: Option<Number>) -> Number {
        let Fate::Live(expected) = self.fate(raw) else {
            panic!("{raw:#x} names {number:?}, and is {:?}", self.fate(raw));
        };
        assert_eq!(number.is_none(), self.borrowed.contains(&expected), "borrowed");
        assert_eq!(number.unwrap_or(expected), expected, "{raw:#x} names another value");
        expected
    }

    /// A table has issued a handle.
    pub(crate) fn issued(&mut self, raw: usize, number: Number) {
        assert!(!self.is_full(), "there are more handles than allowed");
        assert!(!self.seen.contains(&raw), "{raw:#x} was issued twice");
        self.seen.push(raw);
        self.live.push((raw, number));
    }

    pub(crate) fn reserved(&mut self, raw: usize) {
        assert!(!self.is_full(), "there are more handles than allowed");
        assert!(!self.seen.contains(&raw), "{raw:#x} was reserved twice");
        self.seen.push(raw);
        self.reserved.push(raw);
    }

    /// A reserved handle has got its value, or is not to have one.
    pub(crate) fn filled(&mut self, raw: usize, number: Option<Number>) {
        let place = self.reserved.iter().position(|reserved| *reserved == raw);
        self.reserved.swap_remove(place.expect("a handle was reserved"));
        self.live.extend(number.map(|number| (raw, number)));
    }

    /// A handle was deleted, and its value is the caller's.
    pub(crate) fn taken(&mut self, raw: usize) -> Number {
        let place = self.live.iter().position(|(live, _)| *live == raw);
        self.live.remove(place.expect("a dead handle was deleted")).1
    }

    /// The threads that read, as bits.
    pub(crate) fn readers(&self) -> u8 {
        let bit = |(n, guards): (usize, &usize)| u8::from(*guards > 0) << n;
        self.guards.iter().enumerate().map(bit).sum()
    }

    /// Whether this thread reads.
    pub(crate) fn reads(&self, thread: usize) -> bool {
        self.guards[thread] > 0
    }

    /// A handle was deleted, and its value is to be dropped as usual.
    pub(crate) fn deleted(&mut self, raw: usize) {
        self.delete(raw, self.drops != Drops::InBatches);
    }

    /// A handle was deleted by a verb that goes by no batch.
    pub(crate) fn deleted_promptly(&mut self, raw: usize) {
        self.delete(raw, true);
    }

    fn delete(&mut self, raw: usize, is_prompt: bool) {
        let number = self.taken(raw);
        let readers = if self.drops == Drops::AtOnce { 0 } else { self.readers() };
        if self.drops != Drops::None {
            self.deleted.push(Deleted { number, readers, awaited: is_prompt.then_some(readers) });
        }
    }

    /// What waits for no more than a flush is dropped, or waits for those who read now.
    pub(crate) fn flushed(&mut self) {
        let readers = self.readers();
        for deleted in &mut self.deleted {
            deleted.awaited.get_or_insert(readers);
        }
    }

    /// How many values are deleted and not dropped.
    pub(crate) fn pending(&self) -> usize {
        self.deleted.len()
    }

    /// Whether a deleted value waits for threads that read.
    pub(crate) fn waits_for_readers(&self) -> bool {
        self.deleted.iter().any(|deleted| deleted.awaited != Some(0))
    }

    /// A thread has one more guard.
    pub(crate) fn pinned(&mut self, thread: usize) {
        self.guards[thread] += 1;
    }

    /// A thread has one guard less.
    pub(crate) fn unpinned(&mut self, thread: usize) {
        self.guards[thread] -= 1;
        if self.guards[thread] == 0 {
            self.let_go(thread);
        }
    }

    /// A thread has pinned one of its guards anew. Between the two pins it has dropped what waited
    /// for it, and what those drops have deleted.
    pub(crate) fn repinned(&mut self, thread: usize) {
        if self.guards[thread] == 1 {
            self.unpinned(thread);
            self.settle();
            self.pinned(thread);
        }
    }

    fn let_go(&mut self, thread: usize) {
        for deleted in &mut self.deleted {
            deleted.readers &= !(1 << thread);
            deleted.awaited = deleted.awaited.map(|awaited| awaited & !(1 << thread));
        }
    }

    pub(crate) fn is_borrowed(&self, number: Number) -> bool {
        self.borrowed.contains(&number)
    }

    pub(crate) fn borrowed(&mut self, number: Number) {
        assert!(!self.is_borrowed(number), "{number:?} was borrowed twice");
        self.borrowed.push(number);
    }

    pub(crate) fn given_back(&mut self, number: Number) {
        self.borrowed.retain(|borrowed| *borrowed != number);
    }

    /// The drop of a value deletes a handle.
    pub(crate) fn chained(&mut self, number: Number, raw: usize) {
        self.chains.push((number, raw));
    }

    /// After each operation: what was to be dropped is, and nothing else.
    pub(crate) fn settle(&mut self) {
        while let Some(place) = self.deleted.iter().position(|one| !ledger::is_alive(one.number)) {
            let deleted = self.deleted.swap_remove(place);
            assert_eq!(deleted.readers, 0, "dropped under a reader: {deleted:?}");
            self.drop_panics += usize::from(deleted.number.panics());
            let chain = self.chains.iter().find(|chain| chain.0 == deleted.number);
            if let Some((_, raw)) = chain.copied().filter(|chain| self.is_live(chain.1)) {
                self.deleted(raw);
            }
        }
        for deleted in &self.deleted {
            assert_ne!(deleted.awaited, Some(0), "not dropped: {deleted:?}");
        }
        if self.drops != Drops::None {
            let expected = self.live.len() + self.deleted.len();
            assert_eq!(ledger::alive(), expected, "values are lost, or were dropped too early");
        }
    }

    pub(crate) fn check_stats(&self, stats: &Stats) {
        assert_eq!(stats.live, self.live.len(), "{stats}");
        assert_eq!(stats.bad_handles, self.bad_handles, "{stats}");
        assert_eq!(stats.call_panics, self.call_panics, "{stats}");
        assert_eq!(stats.drop_panics, self.drop_panics, "{stats}");
        if self.drops != Drops::None {
            assert_eq!(stats.pending, self.pending(), "{stats}");
        }
        assert_eq!(stats.oldest_reader.is_some(), self.readers() != 0, "{stats:?}");
    }
}
