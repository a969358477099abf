//! Operations on an [`OnceTable`].

use std::{
    cell::Cell,
    panic::{catch_unwind, resume_unwind, AssertUnwindSafe},
    ptr::without_provenance_mut,
};

use handle_table::{CallError, Handle, HandleError, OnceTable, Pinned};

use crate::{
    forge::OTHER,
    input::Input,
    ledger,
    model::{Drops, Model},
    play::{play, Scene, Target},
    set_up,
    values::{Aligned, Core, Large, Plain, Value},
};

/// Runs a script.
pub fn once_table(data: &[u8]) {
    set_up();
    let mut input = Input::new(data);
    match input.below(5) {
        0 => run::<Large>(input),
        1 => run::<Aligned>(input),
        2 => run::<Plain>(input),
        _ => run::<Core>(input),
    }
}

fn run<V: Value>(mut input: Input<'_>) {
    let mut builder = OnceTable::builder();
    let shards = [8, 1, 2, 4, 0][input.below(5)];
    if shards > 0 {
        builder = builder.shards(shards);
    }
    let limit = [usize::MAX, usize::MAX, 1, 3, 7, 20][input.below(6)];
    if limit < usize::MAX {
        builder = builder.max_handles(limit);
    }
    let drops = if V::IS_COUNTED { Drops::AtOnce } else { Drops::None };
    let table = builder.build();
    play(Table::<V> { table }, Scene::new(input, Model::new(drops, limit)));
}

struct Table<V> {
    table: OnceTable<V>,
}

/// What a thread holds: guards of another table, which are in nobody's way here.
type Hand = Vec<Pinned<'static, u32>>;

/// Any integer as a handle; `None` for zero.
fn handle<V>(raw: usize) -> Option<Handle<V>> {
    Handle::from_raw(raw).ok()
}

impl<V: Value> Target for Table<V> {
    type Hand<'t> = Hand;

    fn step(&self, code: u8, scene: &mut Scene<'_>, hand: &mut Hand) {
        match code {
            0..=13 => self.try_insert(scene),
            14..=17 => self.insert_with(scene),
            18..=32 => self.take(scene),
            33..=40 => self.remove(scene),
            41..=45 => self.call_once(scene),
            46 | 47 => self.destroy(scene),
            48..=50 => self.contains(scene),
            51 | 52 => self.drain(scene),
            53 => scene.model.check_stats(&self.table.stats()),
            54 => assert_eq!(self.table.len(), scene.model.live().len()),
            55 | 56 => {
                hand.push(OTHER.pin());
                scene.model.pinned(scene.me);
            }
            57 | 58 => self.let_one_go(scene, hand),
            _ => self.churn(scene),
        }
    }

    fn check(&self, _: &Hand) {}

    fn let_go(&self, scene: &mut Scene<'_>, hand: &mut Hand) {
        while !hand.is_empty() {
            self.let_one_go(scene, hand);
        }
    }

    fn finish(self, scene: &mut Scene<'_>) {
        scene.model.check_stats(&self.table.stats());
        let reader = OTHER.pin();
        for raw in scene.model.seen().to_vec() {
            match self.table.take(handle(raw).expect("a handle is not zero")) {
                Ok(value) if raw % 2 == 0 => self.taken(raw, value, scene),
                // As if it had been left there.
                Ok(value) => {
                    let number = scene.model.taken(raw);
                    assert_eq!(value.number(), Some(number));
                    let _ = self.table.try_insert(value);
                }
                Err(error) => scene.model.refused(raw, error),
            }
        }
        drop(self.table);
        assert_eq!(ledger::alive(), 0, "a value has outlived its table");
        drop(reader);
    }
}

impl<V: Value> Table<V> {
    fn try_insert(&self, scene: &mut Scene<'_>) {
        let number = scene.number();
        match self.table.try_insert(V::new(number)) {
            Ok(handle) => scene.model.issued(handle.to_raw(), number),
            Err(full) => {
                assert!(scene.model.is_full(), "an insert was refused, and there is room");
                assert_eq!(full.into_inner().finish(), number, "another value came back");
            }
        }
    }

    /// The closure looks for its handle, and may panic.
    fn insert_with(&self, scene: &mut Scene<'_>) {
        let (number, panics) = (scene.number(), scene.input.byte() % 4 == 0);
        let shown = Cell::new(0);
        let make = |me: Handle<V>| {
            shown.set(me.to_raw());
            let not_yet = HandleError::NotYet { raw: me.to_raw() };
            assert!(!self.table.contains(me));
            assert_eq!(self.table.take(me).err(), Some(not_yet));
            assert_eq!(self.table.remove(me), Err(not_yet));
            if panics {
                resume_unwind(Box::new(()));
            }
            V::new(number)
        };
        match catch_unwind(AssertUnwindSafe(|| self.table.try_insert_with(make))) {
            Ok(Ok(handle)) => scene.model.issued(handle.to_raw(), number),
            Ok(Err(_)) => assert!(scene.model.is_full() && shown.get() == 0),
            Err(_) => {
                assert!(panics);
                scene.model.reserved(shown.get());
                scene.model.filled(shown.get(), None);
            }
        }
    }

    fn taken(&self, raw: usize, value: V, scene: &mut Scene<'_>) {
        scene.model.found(raw, value.number());
        assert_eq!(scene.model.taken(raw), value.finish());
    }

    fn take(&self, scene: &mut Scene<'_>) {
        let raw = scene.pick();
        let Some(handle) = handle(raw) else { return };
        match self.table.take(handle) {
            Ok(value) => self.taken(raw, value, scene),
            Err(error) => scene.model.refused(raw, error),
        }
    }

    fn remove(&self, scene: &mut Scene<'_>) {
        let raw = scene.pick();
        self.remove_raw(raw, scene);
    }

    fn remove_raw(&self, raw: usize, scene: &mut Scene<'_>) {
        let Some(handle) = handle(raw) else { return };
        match self.table.remove(handle) {
            Ok(()) => scene.model.deleted(raw),
            Err(error) => scene.model.refused(raw, error),
        }
    }

    fn call_once(&self, scene: &mut Scene<'_>) {
        let raw = scene.pick();
        let panics = scene.input.byte() % 4 == 0;
        let result = self.table.call_once(without_provenance_mut(raw), |value: V| {
            self.taken(raw, value, scene);
            if panics {
                resume_unwind(Box::new(()));
            }
        });
        match result {
            Ok(()) => assert!(!panics),
            Err(CallError::Panicked) => {
                assert!(panics);
                scene.model.call_panics += 1;
            }
            Err(error) => scene.model.call_refused(raw, error),
        }
    }

    fn destroy(&self, scene: &mut Scene<'_>) {
        let raw = scene.pick();
        self.table.destroy(without_provenance_mut(raw));
        if scene.model.is_live(raw) {
            scene.model.deleted(raw);
        } else if raw != 0 {
            scene.model.bad_handles += 1;
        }
    }

    fn contains(&self, scene: &mut Scene<'_>) {
        let raw = scene.pick();
        if let Some(handle) = handle(raw) {
            assert_eq!(self.table.contains(handle), scene.model.is_live(raw), "{raw:#x}");
        }
    }

    /// Takes some of the values, and has the others removed.
    fn drain(&self, scene: &mut Scene<'_>) {
        let mut most = scene.input.below(8);
        for (handle, value) in self.table.drain() {
            self.taken(handle.to_raw(), value, scene);
            if most == 0 {
                break;
            }
            most -= 1;
        }
        while let Some((raw, _)) = scene.model.live().last().copied() {
            scene.model.deleted(raw);
        }
    }

    fn let_one_go(&self, scene: &mut Scene<'_>, hand: &mut Hand) {
        if hand.pop().is_some() {
            scene.model.unpinned(scene.me);
        }
    }

    /// Inserts so many values, and deletes as many.
    fn churn(&self, scene: &mut Scene<'_>) {
        let (count, is_pairs) = (scene.input.below(24), scene.input.flag());
        for _ in 0..count {
            self.try_insert(scene);
            if is_pairs {
                self.remove_last(scene);
            }
        }
        for _ in 0..count {
            self.remove_last(scene);
        }
    }

    fn remove_last(&self, scene: &mut Scene<'_>) {
        if let Some((raw, _)) = scene.model.live().last().copied() {
            self.remove_raw(raw, scene);
            scene.model.settle();
        }
    }
}
