//! What a value's `Drop` does with tables.

use handle_table::QuiesceError;

use crate::{
    accounts::fault,
    once,
    random::Rng,
    tables::{BATCHED, GLOBAL, ONCE, SHARED, TOKENS, WORDS},
    typed::{self, insert},
    value::{count_gone, Soaked, Token},
};

/// Uses tables in a `Drop`, in which a quiesce is an error if `no_waits`.
#[cold]
pub fn reenter(seed: u64, no_waits: bool) {
    let mut rng = Rng::new(seed, 0);
    // Its own drop is a quiet one, or this would have no end.
    let quiet = |rng: &mut Rng| {
        let value = Token::make(TOKENS.kind, rng, false);
        value.disarm();
        value
    };
    match rng.below(7) {
        0 => {
            let handle = TOKENS.table.insert(quiet(&mut rng));
            if TOKENS.table.get(handle).is_err() || TOKENS.table.remove(handle).is_err() {
                fault!("a Drop can't use what it has inserted");
            }
        }
        1 => {
            if let Some(entry) = SHARED.pool.any(&mut rng) {
                _ = SHARED.table.get(typed::handle(entry.raw)).map(|value| value.look());
                _ = SHARED.table.remove(typed::handle(entry.raw));
            }
        }
        2 => {
            if let Some(entry) = insert(&WORDS, &mut rng, false) {
                let gone = WORDS.table.remove(typed::handle(entry.raw)).is_ok();
                count_gone::<u64>(WORDS.kind, usize::from(gone));
            }
        }
        3 => _ = BATCHED.table.flush(),
        5 => {
            let entry = once::insert(&ONCE, &mut rng, false);
            match ONCE.table.take(typed::handle(entry.raw)) {
                Ok(value) => value.disarm(),
                Err(error) => fault!("a Drop can't take what it has inserted: {error}"),
            }
        }
        4 => _ = GLOBAL.table().flush(),
        _ if no_waits => match TOKENS.table.quiesce() {
            Err(QuiesceError::InsideDrop | QuiesceError::Pinned | QuiesceError::ThreadEnding) => {}
            Ok(()) | Err(_) => fault!("a quiesce inside of a Drop has waited"),
        },
        _ => {
            let pinned = BATCHED.table.pin();
            _ = std::hint::black_box(pinned.iter().next().map(|(_, value)| value.look()));
        }
    }
}
