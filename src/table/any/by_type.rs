//! [`TypeStats`]: of which types a table's values are.

use std::{collections::HashMap, fmt};

use super::table::AnyTable;

/// How many values of one type a table holds; see [`AnyTable::stats_by_type`].
///
/// # Example
///
/// ```
/// let table = handle_table::AnyTable::new();
/// let _handle = table.insert(7_u32);
/// assert_eq!(table.stats_by_type()[0].to_string(), "1 of u32");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub struct TypeStats {
    /// The type, as [`std::any::type_name`] shows it. Two types may have one name.
    pub type_name: &'static str,
    /// How many values of this type have a valid handle.
    pub live: usize,
}

impl fmt::Display for TypeStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.live, self.type_name)
    }
}

impl AnyTable {
    /// Counts the live values of each type: the types with the most values come first, those with
    /// equally many by their names. For a leak, which shows as a number that only grows.
    ///
    /// The slots are looked at one after the other while other threads go on, as for
    /// [`Stats`](crate::Stats).
    ///
    /// # Example
    ///
    /// ```
    /// let table = handle_table::AnyTable::new();
    /// let _handles = (table.insert("text"), table.insert(3_u32), table.insert(4_u32));
    /// let counts = table.stats_by_type();
    /// assert_eq!((counts[0].type_name, counts[0].live), ("u32", 2));
    /// assert_eq!((counts[1].type_name, counts[1].live), ("&str", 1));
    /// ```
    ///
    /// # Progress and cost
    ///
    /// Lock-free, but for the allocator. Takes time for every slot that was ever in use. Pins the
    /// thread, and repins it now and then.
    #[doc(alias = "leak")]
    #[must_use]
    pub fn stats_by_type(&self) -> Vec<TypeStats> {
        let mut counts = HashMap::new();
        if let Some(inner) = self.table.inner.get() {
            inner.for_each_live(|_, any| {
                let none = TypeStats { type_name: any.type_name(), live: 0 };
                counts.entry(any.type_id()).or_insert(none).live += 1;
            });
        }
        let mut counts: Vec<_> = counts.into_values().collect();
        counts.sort_unstable_by(|one, other| {
            let by_count = other.live.cmp(&one.live);
            by_count.then_with(|| one.type_name.cmp(other.type_name))
        });
        counts
    }
}
