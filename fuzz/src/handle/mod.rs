//! Operations on a [`HandleTable`].
//!
//! - `inserts.rs`, `looks.rs`, `removes.rs`, `rare.rs`: the operations. `hand.rs`: what a thread
//!   holds.

use std::sync::Arc;

use handle_table::{Exclusive, Handle, HandleTable};

use crate::{
    forge::OTHER,
    input::Input,
    ledger,
    model::{Drops, Model},
    play::{play, Scene, Target},
    set_up,
    values::{Aligned, Chained, Core, Large, Plain, Value},
};

mod hand;
mod inserts;
mod looks;
mod rare;
mod removes;

use hand::Hand;

/// Runs a script.
pub fn handle_table(data: &[u8]) {
    set_up();
    let mut input = Input::new(data);
    match input.below(7) {
        0 => run::<Large>(input),
        1 => run::<Aligned>(input),
        2 => run::<Plain>(input),
        3 => run::<Exclusive<Core>>(input),
        4 => run::<Chained>(input),
        _ => run::<Core>(input),
    }
}

fn run<V: Value>(mut input: Input<'_>) {
    let mut builder = HandleTable::builder();
    let shards = [8, 1, 2, 4, 0][input.below(5)];
    if shards > 0 {
        builder = builder.shards(shards);
    }
    let limit = [usize::MAX, usize::MAX, 1, 3, 7, 20][input.below(6)];
    if limit < usize::MAX {
        builder = builder.max_handles(limit);
    }
    // A flush of a full table would make room by what its drops delete.
    let batch = if V::CHAINS { 0 } else { [0, 0, 0, 2, 4, 16][input.below(6)] };
    let drops = match batch {
        _ if !V::IS_COUNTED => Drops::None,
        0 => Drops::Promptly,
        _ => Drops::InBatches,
    };
    let table = Arc::new(builder.batch(batch).build());
    play(Table::<V> { table }, Scene::new(input, Model::new(drops, limit)));
}

struct Table<V> {
    table: Arc<HandleTable<V>>,
}

/// Any integer as a handle; `None` for zero.
fn handle<V>(raw: usize) -> Option<Handle<V>> {
    Handle::from_raw(raw).ok()
}

impl<V: Value> Target for Table<V> {
    type Hand<'t> = Hand<'t, V>;

    fn step<'t>(&'t self, code: u8, scene: &mut Scene<'_>, hand: &mut Hand<'t, V>) {
        match code {
            0..=9 => self.try_insert(scene),
            10 | 11 => self.insert(scene),
            12 => self.insert_with(scene),
            13 => self.insert_in_vain(scene),
            14 => self.insert_owned(scene),
            15 | 16 => self.reserve(scene, hand),
            17 | 18 => self.fill(scene, hand),
            19..=24 => self.get(scene, hand),
            25 | 26 => self.pin(scene, hand),
            27 | 28 => self.get_pinned(scene, hand),
            29 => self.repin(scene, hand),
            30..=34 => self.let_one_go(scene, hand),
            35 => self.iterate(scene),
            36 => self.contains(scene),
            37..=42 => self.remove(scene),
            43 | 44 => self.remove_now(scene),
            45 => self.remove_ref(scene, hand),
            46 => self.remove_wait(scene),
            47 => self.take(scene),
            48 | 49 => self.call(scene),
            50 => self.destroy(scene),
            51 => self.retain(scene),
            52 => self.clear(scene),
            53 => self.flush(scene),
            54 => self.quiesce(scene),
            55 => scene.model.check_stats(&self.table.stats()),
            56 | 57 => self.get_mut(scene, hand),
            58 => hand.hold_foreign(scene),
            59 => self.get_in_signal(scene),
            60 => assert_eq!(self.table.len(), scene.model.live().len()),
            _ => self.churn(scene),
        }
    }

    fn check(&self, hand: &Hand<'_, V>) {
        hand.check();
    }

    fn let_go(&self, scene: &mut Scene<'_>, hand: &mut Hand<'_, V>) {
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
