//! Every integer that C can send is safe: forged, stale, of another table, of another type.

use std::collections::{HashMap, HashSet};

use handle_table::{Handle, HandleError, HandleTable};

use crate::{
    common::{scaled, table_kinds, Census, Rng, Witness},
    forge,
    serial::serial,
    slots::slots,
};

/// Handles that a [`KnownTable`] issues before some are deleted.
const ISSUED: usize = scaled(2_000);

/// A table with live and deleted handles, and what it must answer for each integer.
struct KnownTable {
    table: HandleTable<usize>,
    live: HashMap<Handle<usize>, usize>,
    stale: HashSet<Handle<usize>>,
    slots: usize,
}

impl KnownTable {
    fn new(table: HandleTable<usize>) -> Self {
        let all: Vec<_> = (0..ISSUED).map(|n| (table.insert(n), n)).collect();
        let (live, stale): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, n)| n % 2 == 0);
        // Three kinds of stale handles: their slot is vacant, in use again, or still in limbo.
        for (handle, _) in &stale[..ISSUED / 4] {
            table.remove(*handle).unwrap();
        }
        table.quiesce().unwrap();
        let more: Vec<_> = (ISSUED..ISSUED + ISSUED / 20).map(|n| (table.insert(n), n)).collect();
        for (handle, _) in &stale[ISSUED / 4..] {
            table.remove(*handle).unwrap();
        }
        Self {
            slots: slots(table.stats()),
            table,
            live: live.into_iter().chain(more).collect(),
            stale: stale.into_iter().map(|(handle, _)| handle).collect(),
        }
    }

    /// Tries all verbs with any integer. A live handle finds its own value. Any other integer
    /// finds nothing and deletes nothing, and a stale handle is reported as deleted.
    #[track_caller]
    fn check(&self, raw: usize) {
        let Ok(handle) = Handle::from_raw(raw) else {
            return assert_eq!(raw, 0);
        };
        if let Some(value) = self.live.get(&handle) {
            assert_eq!(self.table.cloned(handle), Ok(*value));
            return;
        }
        assert!(!self.table.contains(handle), "{handle:?}");
        let errors = [
            self.table.get(handle).map(drop).unwrap_err(),
            self.table.pin().get(handle).map(drop).unwrap_err(),
            self.table.cloned(handle).map(drop).unwrap_err(),
            self.table.remove(handle).unwrap_err(),
            self.table.remove_ref(handle).map(drop).unwrap_err(),
            self.table.remove_now(handle).unwrap_err(),
        ];
        for error in errors {
            match error {
                HandleError::Deleted { raw: said, .. } => assert_eq!(said, raw),
                HandleError::Unknown { raw: said } => {
                    assert_eq!(said, raw);
                    assert!(!self.stale.contains(&handle), "{handle:?}");
                }
                other => panic!("{handle:?}: {other}"),
            }
        }
    }

    /// Nothing has changed: no value, no handle, no slot.
    fn assert_undisturbed(&self) {
        assert_eq!(self.table.len(), self.live.len());
        for (&handle, &value) in &self.live {
            assert_eq!(*self.table.get(handle).unwrap(), value);
        }
        let seen: HashMap<_, _> = self.table.pin().iter().map(|(h, v)| (h, *v)).collect();
        assert_eq!(seen, self.live);
        let stats = self.table.stats();
        assert_eq!(stats.live, self.live.len(), "{stats}");
        assert_eq!(slots(stats), self.slots, "a slot was taken or lost");
    }
}

/// All kinds of tables, and one with the most shards there can be, nearly all of them empty.
fn known_tables() -> impl Iterator<Item = KnownTable> {
    let most_shards = HandleTable::builder().shards(1024).build();
    table_kinds().chain([most_shards]).map(KnownTable::new)
}

#[test]
fn random_integers_find_only_live_handles() {
    for known in known_tables() {
        let mut rng = Rng(7);
        let mut hits = 0;
        for _ in 0..scaled(50_000) {
            let raw = rng.word();
            known.check(raw);
            hits += usize::from(Handle::from_raw(raw).is_ok_and(|h| known.live.contains_key(&h)));
        }
        assert!(hits == 0 || usize::BITS < 64 && hits <= 2, "{hits} are live");
        known.assert_undisturbed();
    }
}

#[test]
fn small_and_huge_integers_find_only_live_handles() {
    for known in known_tables() {
        for raw in 0..scaled(30_000) {
            known.check(raw);
            known.check(usize::MAX - raw);
        }
        for bit in 0..usize::BITS {
            for near in [-1_isize, 0, 1] {
                known.check((1_usize << bit).wrapping_add_signed(near));
                known.check((usize::MAX << bit).wrapping_add_signed(near));
            }
        }
        known.assert_undisturbed();
    }
}

#[test]
fn handles_with_flipped_bits_find_only_live_handles() {
    for known in known_tables() {
        let handles = known.live.keys().chain(&known.stale);
        for handle in handles.take(scaled(200)).copied() {
            for one in 0..usize::BITS {
                let raw = handle.to_raw() ^ (1 << one);
                known.check(raw);
                for two in (0..one).step_by(5) {
                    known.check(raw ^ (1 << two));
                }
            }
        }
        known.assert_undisturbed();
    }
}

#[test]
fn a_handle_with_other_top_bits_is_unknown() {
    for known in known_tables() {
        for handle in known.live.keys().chain(&known.stale) {
            let below = handle.to_raw() & (usize::MAX >> 2);
            assert_eq!(handle.to_raw() >> (usize::BITS - 2), 0b10);
            for top in [0b00, 0b01, 0b11] {
                let raw = below | top << (usize::BITS - 2);
                known.check(raw);
                let error = known.table.get(forge(raw)).unwrap_err();
                assert_eq!(error, HandleError::Unknown { raw });
            }
        }
        known.assert_undisturbed();
    }
}

#[test]
fn numbers_near_a_handle_find_only_live_handles() {
    for known in known_tables() {
        for handle in known.live.keys().chain(&known.stale) {
            for step in 1..=16 {
                known.check(handle.to_raw().wrapping_add(step));
                known.check(handle.to_raw().wrapping_sub(step));
            }
        }
        known.assert_undisturbed();
    }
}

#[test]
fn forged_integers_find_only_live_process_wide_handles() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    let live: HashMap<_, _> = (0..1_000).map(|n| (Handle::new(CENSUS.witness(n)), n)).collect();
    let mut rng = Rng(9);
    let sample: Vec<_> = live.keys().copied().collect();
    for turn in 0..scaled(200_000) {
        let raw = match turn % 4 {
            0 => rng.word(),
            1 => turn,
            2 => usize::MAX - turn,
            _ => sample[rng.below(1_000)].to_raw() ^ (1 << rng.below(usize::BITS as usize)),
        };
        let Ok(forged) = Handle::from_raw(raw) else {
            continue;
        };
        if !live.contains_key(&forged) {
            assert!(forged.try_value::<Witness>().is_err());
            assert!(forged.try_value::<usize>().is_err());
            assert!(forged.try_delete().is_err());
            assert!(forged.try_delete_now().is_err());
        }
    }
    assert_eq!(CENSUS.left(), 1_000);
    for (handle, number) in live {
        assert_eq!(handle.value::<Witness>().look(), number);
        handle.delete();
    }
    Handle::quiesce().unwrap();
    CENSUS.assert_all_dropped_once();
}

/// On 32-bit targets, a handle of one table is a deleted one of another now and then, by chance.
#[track_caller]
fn assert_unknown(error: HandleError) {
    let deleted = matches!(error, HandleError::Deleted { .. });
    let by_chance = cfg!(target_pointer_width = "32") && deleted;
    assert!(matches!(error, HandleError::Unknown { .. }) || by_chance, "{error}");
}

#[test]
fn a_handle_of_another_table_is_unknown() {
    let _serial = serial();
    let (one, two) = (HandleTable::new(), HandleTable::new());
    let never_used = HandleTable::<u32>::new();
    let process_wide = Handle::new(1_u32);
    for n in 0..1_000 {
        let handle = one.insert(n);
        let _ = two.insert(n);
        assert_unknown(two.get(handle).map(drop).unwrap_err());
        assert_unknown(two.remove(handle).unwrap_err());
        let as_process_wide: Handle = forge(handle.to_raw());
        assert_unknown(as_process_wide.try_value::<u32>().map(drop).unwrap_err());
        assert_unknown(as_process_wide.try_delete().unwrap_err());
        assert_unknown(one.get(forge(process_wide.to_raw())).map(drop).unwrap_err());

        assert!(!never_used.contains(handle));
        for error in [
            never_used.get(handle).map(drop).unwrap_err(),
            never_used.pin().get(handle).map(drop).unwrap_err(),
            never_used.remove(handle).unwrap_err(),
            never_used.remove_ref(handle).map(drop).unwrap_err(),
            never_used.remove_now(handle).unwrap_err(),
        ] {
            assert_eq!(error, HandleError::Unknown { raw: handle.to_raw() });
        }
    }
    process_wide.delete();
    assert_eq!((one.len(), two.len(), never_used.len()), (1_000, 1_000, 0));
}

#[test]
fn a_wrong_type_gives_an_error_that_names_both_types() {
    let _serial = serial();
    let handle = Handle::new(vec![1_u8]);
    let error = handle.try_value::<String>().map(drop).unwrap_err();
    assert!(matches!(error, HandleError::WrongType { .. }));
    let message = error.to_string();
    assert!(message.contains("alloc::string::String"), "{message}");
    assert!(message.contains("alloc::vec::Vec<u8>"), "{message}");

    // Nor are types of equal layout, or nearly equal name, that type.
    assert!(handle.try_value::<Vec<i8>>().is_err());
    assert!(handle.try_value::<[usize; 3]>().is_err());
    assert_eq!(*handle.value::<Vec<u8>>(), [1]);
    handle.delete();
    let error = handle.try_value::<String>().map(drop).unwrap_err();
    assert!(matches!(error, HandleError::Deleted { .. }), "a deleted handle has no type");
}
