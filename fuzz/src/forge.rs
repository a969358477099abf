//! Integers that C might send in place of a handle.

use std::sync::OnceLock;

use handle_table::HandleTable;

use crate::input::Input;

/// Where the generation begins in a handle.
pub(crate) const INDEX_BITS: u32 = if cfg!(handle_table_small) {
    18
} else if usize::BITS == 64 {
    32
} else {
    20
};

/// A table beside the one that is fuzzed.
pub(crate) static OTHER: HandleTable<u32> = HandleTable::new();

/// A handle of the other table.
fn foreign(nth: usize) -> usize {
    static HANDLES: OnceLock<[usize; 8]> = OnceLock::new();
    HANDLES.get_or_init(|| [1; 8].map(|value| OTHER.insert(value).to_raw()))[nth % 8]
}

/// An integer made of a handle, and of another one, in a way that the script chooses.
pub(crate) fn forge(raw: usize, other: usize, input: &mut Input<'_>) -> usize {
    let (way, by) = (input.byte(), usize::from(input.byte()));
    match way % 16 {
        0 | 1 => raw ^ 1 << (by % usize::BITS as usize),
        2 => raw.wrapping_add(by + 1),
        3 => raw.wrapping_sub(by + 1),
        4 => raw & !(1 << (by % 17)) & !0xF,
        5 => raw as f64 as usize,
        6 => raw & (usize::MAX >> (usize::BITS / 2)),
        7 => raw.rotate_left(by as u32 % usize::BITS),
        // Other generations of its slot, later ones too.
        8 | 9 => raw ^ (by % 8) << INDEX_BITS,
        // Other slots of its generation.
        10 => raw ^ by,
        // Other phases.
        11 => raw ^ by << (usize::BITS - 2),
        12 => raw ^ other ^ by,
        13 => foreign(by),
        14 => 0,
        _ => input.word(),
    }
}
