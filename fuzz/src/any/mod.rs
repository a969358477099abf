//! Operations on an [`AnyTable`] with values of four types.
//!
//! - `typed.rs`: verbs that name a type, by its number. `steps.rs`, `deletes.rs`: the operations.
//!   `hand.rs`: what a thread holds.

use std::any::Any;

use handle_table::{AnyTable, Handle};

use crate::{
    forge::OTHER,
    input::Input,
    ledger,
    model::{Drops, Model},
    play::{play, Scene, Target},
    set_up,
};

mod deletes;
mod hand;
mod steps;
mod typed;

use hand::Hand;

/// Runs a script.
pub fn any_table(data: &[u8]) {
    set_up();
    let mut input = Input::new(data);
    let mut builder = AnyTable::builder();
    let shards = [8, 1, 2, 4, 0][input.below(5)];
    if shards > 0 {
        builder = builder.shards(shards);
    }
    let limit = [usize::MAX, usize::MAX, 1, 3, 7, 20][input.below(6)];
    if limit < usize::MAX {
        builder = builder.max_handles(limit);
    }
    let batch = [0, 0, 0, 2, 4, 16][input.below(6)];
    let drops = if batch == 0 { Drops::Promptly } else { Drops::InBatches };
    let table = builder.batch(batch).build();
    play(Table { table }, Scene::new(input, Model::new(drops, limit)));
}

struct Table {
    table: AnyTable,
}

/// Any integer as a handle; `None` for zero.
fn handle(raw: usize) -> Option<Handle<dyn Any>> {
    Handle::from_raw(raw).ok()
}

impl Target for Table {
    type Hand<'t> = Hand<'t>;

    fn step<'t>(&'t self, code: u8, scene: &mut Scene<'_>, hand: &mut Hand<'t>) {
        match code {
            0..=13 => self.try_insert(scene),
            14 => self.insert_with(scene),
            15 => self.insert_owned(scene),
            16 | 17 => self.reserve(scene, hand),
            18 | 19 => self.fill(scene, hand),
            20..=26 => self.get(scene, hand),
            27 | 28 => self.pin(scene, hand),
            29 | 30 => self.get_pinned(scene, hand),
            31 => self.repin(scene, hand),
            32..=35 => hand.let_one_go(scene),
            36 => self.iterate(scene),
            37 => self.contains(scene),
            38..=41 => self.remove(scene),
            42..=44 => self.remove_as(scene),
            45 | 46 => self.remove_now(scene),
            47 => self.remove_ref(scene, hand),
            48 => self.remove_wait(scene),
            49 | 50 => self.take(scene),
            51 | 52 => self.call(scene),
            53 => self.destroy(scene),
            54 => self.retain(scene),
            55 => self.flush(scene),
            56 => self.quiesce(scene),
            57 => self.check_stats(scene),
            58 => hand.hold_foreign(scene),
            59 => self.get_in_signal(scene),
            _ => self.churn(scene),
        }
    }

    fn check(&self, hand: &Hand<'_>) {
        hand.check();
    }

    fn let_go(&self, scene: &mut Scene<'_>, hand: &mut Hand<'_>) {
        hand.let_all_go(scene);
    }

    fn finish(self, scene: &mut Scene<'_>) {
        self.flush(scene);
        scene.model.settle();
        assert_eq!(scene.model.pending(), 0, "a value waits, and nobody reads");
        self.check_all(scene);
        // What waits for a reader of another table is dropped with its own.
        let reader = OTHER.pin();
        scene.model.pinned(0);
        let handles: Vec<_> = scene.model.live().iter().step_by(2).map(|live| live.0).collect();
        handles.iter().for_each(|raw| self.remove_raw(*raw, scene));
        scene.model.settle();
        drop(self.table);
        assert_eq!(ledger::alive(), 0, "a value has outlived its table");
        drop(reader);
    }
}
