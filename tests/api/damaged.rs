//! A handle that was damaged on its way through C names nothing: neither its own value nor that of
//! another handle. (A number that happens to be another handle of the table, unchanged, does.)

use handle_table::{Handle, HandleTable};

use crate::common::{scaled, table_kinds};

/// A way in which C damages a word.
type Damage = (&'static str, fn(usize) -> usize);

const WAYS: &[Damage] = &[
    ("plus 1", |raw| raw.wrapping_add(1)),
    ("minus 1", |raw| raw.wrapping_sub(1)),
    ("plus 8", |raw| raw.wrapping_add(8)),
    ("minus 64", |raw| raw.wrapping_sub(64)),
    ("plus 1,000", |raw| raw.wrapping_add(1_000)),
    ("low bit cleared or set", |raw| raw ^ 1),
    ("low 3 bits cleared", |raw| if raw % 8 == 0 { raw ^ 8 } else { raw & !7 }),
    ("low 4 bits set", |raw| if raw % 16 == 15 { raw ^ 16 } else { raw | 15 }),
    ("low byte cleared", |raw| if raw % 256 == 0 { raw ^ 256 } else { raw & !255 }),
    ("low 16 bits cleared", |raw| if raw % 65_536 == 0 { raw ^ 65_536 } else { raw & !65_535 }),
    ("through a floating-point number", through_a_float),
    ("truncated to half", |raw| raw & (usize::MAX >> (usize::BITS / 2))),
    ("upper half lost, its sign extended", |raw| {
        let half = usize::BITS / 2;
        ((raw << half) as isize >> half) as usize
    }),
    ("rotated by a byte", |raw| raw.rotate_left(8)),
    ("rotated by half", |raw| raw.rotate_left(usize::BITS / 2)),
    ("bytes in the other order", usize::swap_bytes),
    ("shifted for a tag", |raw| raw << 1 | 1),
];

/// A number with fewer bits than a handle has: C's `double`, on 32-bit targets its `float`.
fn through_a_float(raw: usize) -> usize {
    let back = if usize::BITS == 64 { raw as f64 as usize } else { raw as f32 as usize };
    if back == raw {
        raw ^ 2
    } else {
        back
    }
}

/// Whether a damage of a table's handles names other values depends on the table's key: then most
/// of its handles do, else none. So it is in one table of 2^30, and on 32-bit targets in one of
/// 2^10. There, many tables are asked.
const TABLES_OF_A_KIND: usize = if usize::BITS == 64 { 1 } else { scaled(250) };

/// How many of the damaged handles may name a value.
const MOST_HITS: usize = if usize::BITS == 64 { 3 } else { 2_500 };

fn live() -> usize {
    if cfg!(handle_table_small) {
        1_000
    } else if usize::BITS == 64 {
        scaled(100_000)
    } else {
        200
    }
}

/// Damages the handles with which a table is filled, in each of these ways, in tables of all kinds.
fn assert_noticed<Way: std::fmt::Display>(
    ways: &[(Way, impl Fn(usize) -> usize)],
    fill: impl Fn(&HandleTable<usize>) -> Vec<Handle<usize>>,
) {
    let mut hits = vec![0; ways.len()];
    let mut tried = 0;
    for table in (0..TABLES_OF_A_KIND).flat_map(|_| table_kinds()) {
        let handles = fill(&table);
        tried += handles.len();
        for (hits, (_, damage)) in hits.iter_mut().zip(ways) {
            let damaged = handles.iter().filter_map(|handle| {
                let raw = damage(handle.to_raw());
                // A few are the same when they are turned around.
                (raw != handle.to_raw()).then(|| Handle::from_raw(raw).ok())?
            });
            *hits += damaged.filter(|handle| table.contains(*handle)).count();
        }
    }
    let all: usize = hits.iter().sum();
    println!("of {tried} handles, damaged in {} ways each, {all} name a value", ways.len());
    for (hits, (way, _)) in hits.into_iter().zip(ways) {
        assert!(hits <= MOST_HITS, "{way}: {hits} of {tried} name a value");
    }
}

fn fill(table: &HandleTable<usize>) -> Vec<Handle<usize>> {
    (0..live()).map(|n| table.insert(n)).collect()
}

#[test]
fn damaged_handles_name_nothing() {
    assert_noticed(WAYS, fill);
}

#[test]
fn a_handle_with_one_bit_flipped_names_nothing() {
    let flip = |bit| (format!("bit {bit}"), move |raw: usize| raw ^ 1_usize << bit);
    assert_noticed(&(0..usize::BITS).map(flip).collect::<Vec<_>>(), fill);
}

#[test]
fn a_used_table_is_no_different() {
    assert_noticed(WAYS, |table| {
        // Generations that differ from slot to slot.
        for round in 0..8 {
            let handles: Vec<_> = (0..live() / 10).map(|n| table.insert(n)).collect();
            for handle in handles.iter().skip(round % 3).step_by(2) {
                table.remove(*handle).unwrap();
            }
        }
        table.pin().iter().map(|(handle, _)| handle).collect()
    });
}
