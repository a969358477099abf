//! [`Stats`]: what a table holds at a moment.

use std::{
    fmt,
    time::{Duration, Instant},
};

use crate::sync::now;

/// What a table holds, as counted by [`HandleTable::stats`](crate::HandleTable::stats).
///
/// The slots are looked at one after the other while other threads go on. So each count is right
/// for some moment during the call, and their sum need not be right for any. When nothing else uses
/// the table, all are exact.
///
/// # Example
///
/// ```
/// use handle_table::HandleTable;
///
/// let table = HandleTable::new();
/// let handle = table.insert(String::from("value"));
/// let value = table.get(handle)?;
/// table.remove(handle)?;
///
/// let stats = table.stats();
/// assert_eq!((stats.live, stats.pending), (0, 1));
/// assert!(stats.oldest_reader.is_some()); // `value`
/// assert!(stats.to_string().contains("1 deleted but not yet dropped"));
///
/// drop(value);
/// let stats = table.stats();
/// assert_eq!((stats.pending, stats.oldest_reader), (0, None));
/// # Ok::<(), handle_table::HandleError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Slots whose handle is valid.
    pub live: usize,
    /// Slots without a value that can be issued, some of them only after a later delete, or by
    /// certain threads.
    pub vacant: usize,
    /// Slots whose handle was deleted and whose value is still to be dropped. A number that keeps
    /// growing means that a `Ref` or `Pinned` is held for too long: [`readers`](crate::readers)
    /// tells by which thread. It is zero if none is held and no call is running, unless the table
    /// drops in [batches](crate::Builder::batch).
    ///
    /// If `T` has no destructor and lies in its slot (up to 64 bytes, with an alignment of at most
    /// 64): slots in sealed batches, which later deletes reclaim. Slots of the open batch count as
    /// vacant.
    ///
    /// Another thread's call may change this number at any time.
    pub pending: usize,
    /// Slots that have used up their generations and are never issued again.
    pub exhausted: usize,
    /// Shards of the table; zero before its first insert.
    pub shards: usize,
    /// Bytes of address space for shards, slots and values: large segments take memory as they are
    /// used. Does not include what the values own, nor what the allocator adds.
    pub bytes: usize,
    /// Values whose `Drop` panicked while the table dropped them. The panic was contained.
    pub drop_panics: usize,
    /// Closures of [`call`](crate::HandleTable::call) and its variants that panicked. The panic was
    /// contained.
    pub call_panics: usize,
    /// Words from C that [`call`](crate::HandleTable::call) or a
    /// [destroy callback](crate::destroy_callback) could not use.
    pub bad_handles: usize,
    /// For how long the oldest [`Ref`](crate::Ref) or [`Pinned`](crate::Pinned) of any table is
    /// known to have been held; `None` if none is held. [`readers`](crate::readers) tells whose it
    /// is, and [`held_for`](crate::Reader::held_for) from when on that is counted.
    pub oldest_reader: Option<Duration>,
    /// Handles that the table has issued so far, also those that were deleted since.
    pub issued: u64,
    /// Handles that the table can still issue in its life, if their values are deleted in time: as
    /// many as its slots have generations left, including slots that are not made yet. The other
    /// limits are memory, and how many may be valid at a time
    /// ([`max_handles`](crate::Builder::max_handles)).
    ///
    /// It only goes down: by one for each handle issued, and for a few that are passed over (of a
    /// [`Reserved`](crate::Reserved) that was dropped, of slots that threads have passed on, in a
    /// forked child). The last ones of a table may lie in slots that one thread keeps for itself,
    /// up to some six thousand slots, so other threads find the table full a little before zero.
    pub remaining: u64,
    /// When the table made its body, with its first insert; `None` before that, and where there is
    /// no clock.
    pub(crate) since: Option<Instant>,
}

impl Stats {
    /// How long [`remaining`](Self::remaining) lasts from now on, if the table goes on to issue as
    /// many handles a second as on the average since its first insert. Then inserts fail with
    /// [`FullError`](crate::FullError) for good.
    ///
    /// `None` if nothing was issued, and where there is no clock (`wasm32-unknown-unknown`).
    /// Reads the clock, so ask while the counts are new.
    ///
    /// A table that was idle for long, and is busy now, has less time than this. For the rate of
    /// the last minute, compare `issued` with that of a minute ago, as in the example.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::HandleTable;
    /// use std::time::Duration;
    ///
    /// let table = HandleTable::new();
    /// let before = table.stats();
    /// assert_eq!((before.issued, before.lasts_for()), (0, None));
    /// for _ in 0..1_000 {
    ///     let handle = table.insert(7);
    ///     table.remove(handle)?;
    /// }
    ///
    /// let now = table.stats();
    /// assert!(now.remaining > 1 << 29); // nearly 2^61 of them; on 32-bit targets nearly 2^30
    /// if now.lasts_for().is_some_and(|time| time < Duration::from_secs(24 * 3_600)) {
    ///     // Time to begin another table: see the limits, "On 32-bit targets and wasm".
    /// }
    /// // So many times the time since `before`, at the rate since then:
    /// assert!(now.remaining / (now.issued - before.issued) > 100_000);
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    #[must_use]
    pub fn lasts_for(&self) -> Option<Duration> {
        let age = now()?.saturating_duration_since(self.since?);
        lasts_for(self.remaining, self.issued, age)
    }
}

/// How long `remaining` handles last, if `issued` were issued within `age`.
fn lasts_for(remaining: u64, issued: u64, age: Duration) -> Option<Duration> {
    const NANOS: u128 = 1_000_000_000;
    if age.is_zero() {
        return None;
    }
    let nanos = u128::from(remaining).saturating_mul(age.as_nanos());
    let nanos = nanos.checked_div(u128::from(issued))?;
    // The remainder is less than a billion.
    let seconds = u64::try_from(nanos / NANOS);
    Some(seconds.map_or(Duration::MAX, |seconds| Duration::new(seconds, (nanos % NANOS) as u32)))
}

/// A time in one unit, for people.
struct Roughly(Duration);

impl fmt::Display for Roughly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let units = [(31_557_600, "years"), (86_400, "days"), (3_600, "hours"), (60, "minutes")];
        let (unit, name) =
            units.into_iter().find(|(unit, _)| seconds >= 2 * unit).unwrap_or((1, "seconds"));
        write!(f, "{} {name}", seconds / unit)
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "slots: {} live, {} vacant, {} deleted but not yet dropped, {} exhausted; \
             shards: {}; bytes: {}; handles: {} issued, {} left",
            self.live,
            self.vacant,
            self.pending,
            self.exhausted,
            self.shards,
            self.bytes,
            self.issued,
            self.remaining
        )?;
        if let Some(time) = self.lasts_for() {
            write!(f, ", for {} at the rate so far", Roughly(time))?;
        }
        for (count, what) in [
            (self.drop_panics, "panics in drops"),
            (self.call_panics, "panics in callbacks"),
            (self.bad_handles, "bad handles from C"),
        ] {
            if count != 0 {
                write!(f, "; {what}: {count}")?;
            }
        }
        Ok(())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_forecast_is_what_remains_by_the_rate_so_far() {
        assert_eq!(lasts_for(1_000, 10, SECOND), Some(100 * SECOND));
        assert_eq!(lasts_for(1, 2, SECOND), Some(SECOND / 2));
        assert_eq!(lasts_for(0, 10, SECOND), Some(Duration::ZERO));
        let year = Duration::from_secs(31_557_600);
        assert_eq!(lasts_for(1 << 62, 1, year), Some(Duration::MAX));
    }

    #[test]
    fn without_a_rate_there_is_no_forecast() {
        assert_eq!(lasts_for(1_000, 0, SECOND), None);
        assert_eq!(lasts_for(1_000, 10, Duration::ZERO), None);
    }

    #[test]
    fn no_numbers_are_too_large() {
        for remaining in [0, 1, 1 << 62, u64::MAX] {
            for issued in [1, 1 << 62, u64::MAX] {
                for age in [Duration::from_nanos(1), SECOND, Duration::MAX] {
                    assert!(lasts_for(remaining, issued, age).is_some());
                }
            }
        }
    }

    #[test]
    fn the_words_give_the_forecast_in_one_unit() {
        let words = |seconds| Roughly(Duration::from_secs(seconds)).to_string();
        assert_eq!([words(0), words(119), words(120)], ["0 seconds", "119 seconds", "2 minutes"]);
        assert_eq!(words(u64::MAX), "584542046090 years");
        let since = now().and_then(|now| now.checked_sub(3 * SECOND));
        let stats = Stats { issued: 3, remaining: 7, since, ..Stats::default() };
        let words = stats.to_string();
        assert!(words.contains("3 issued, 7 left, for 7 seconds at the rate so far"), "{words}");
        let stats = Stats { since: None, ..stats };
        assert!(!stats.to_string().contains("rate"));
    }

    #[test]
    fn what_did_not_happen_is_not_shown() {
        let slots = Stats { live: 1, vacant: 2, pending: 3, exhausted: 4, ..Stats::default() };
        let shown = "slots: 1 live, 2 vacant, 3 deleted but not yet dropped, 4 exhausted; \
                     shards: 0; bytes: 0; handles: 0 issued, 0 left";
        assert_eq!(slots.to_string(), shown);
        let faults = Stats { drop_panics: 5, bad_handles: 6, ..slots };
        let faults = faults.to_string();
        assert_eq!(faults, format!("{shown}; panics in drops: 5; bad handles from C: 6"));
    }
}
