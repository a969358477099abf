//! The look-ups.

use super::{
    hand::{Guard, Hand},
    handle, Table,
};
use crate::{model::Fate, play::Scene, values::Value};
use handle_table::HandleError;

impl<V: Value> Table<V> {
    pub(super) fn get<'t>(&'t self, scene: &mut Scene<'_>, hand: &mut Hand<'t, V>) {
        let raw = scene.pick();
        let Some(handle) = handle(raw) else { return };
        match self.table.get(handle) {
            Ok(value) => {
                let number = scene.model.found(raw, value.number());
                scene.model.pinned(scene.me);
                hand.keep(Guard::Ref(value, number), scene);
            }
            Err(error) => scene.model.refused(raw, error),
        }
    }

    pub(super) fn pin<'t>(&'t self, scene: &mut Scene<'_>, hand: &mut Hand<'t, V>) {
        scene.model.pinned(scene.me);
        hand.keep(Guard::Pinned(self.table.pin()), scene);
    }

    pub(super) fn get_pinned(&self, scene: &mut Scene<'_>, hand: &mut Hand<'_, V>) {
        let raw = scene.pick();
        let (Some(pinned), Some(handle)) = (hand.pinned(scene), handle(raw)) else { return };
        match pinned.get(handle) {
            Ok(value) => _ = scene.model.found(raw, value.number()),
            Err(error) => scene.model.refused(raw, error),
        }
    }

    pub(super) fn repin(&self, scene: &mut Scene<'_>, hand: &mut Hand<'_, V>) {
        if let Some(pinned) = hand.pinned(scene) {
            pinned.repin();
            scene.model.repinned(scene.me);
        }
    }

    pub(super) fn let_one_go(&self, scene: &mut Scene<'_>, hand: &mut Hand<'_, V>) {
        hand.let_one_go(scene);
    }

    pub(super) fn get_mut<'t>(&'t self, scene: &mut Scene<'_>, hand: &mut Hand<'t, V>) {
        let raw = scene.pick();
        let Some(handle) = handle(raw) else { return };
        let Some(result) = V::get_mut(&self.table, handle) else { return };
        match (result, scene.model.fate(raw)) {
            (Ok(value), _) => {
                let number = scene.model.found(raw, Some(value.number()));
                scene.model.borrowed(number);
                scene.model.pinned(scene.me);
                hand.keep(Guard::Mut(value, number), scene);
            }
            (Err(HandleError::Busy { .. }), Fate::Live(number)) => {
                assert!(scene.model.is_borrowed(number), "{number:?} is not borrowed");
            }
            (Err(error), _) => scene.model.refused(raw, error),
        }
    }

    pub(super) fn get_in_signal(&self, scene: &mut Scene<'_>) {
        let raw = scene.pick();
        let Some(handle) = handle(raw) else { return };
        match self.table.get_in_signal(handle, V::number) {
            Ok(number) => _ = scene.model.found(raw, number),
            Err(error) => scene.model.refused(raw, error),
        }
    }

    pub(super) fn contains(&self, scene: &mut Scene<'_>) {
        let raw = scene.pick();
        if let Some(handle) = handle(raw) {
            assert_eq!(self.table.contains(handle), scene.model.is_live(raw), "{raw:#x}");
        }
    }

    pub(super) fn iterate(&self, scene: &mut Scene<'_>) {
        let pinned = self.table.pin();
        let mut count = 0;
        for (handle, value) in &pinned {
            scene.model.found(handle.to_raw(), value.number());
            count += 1;
        }
        assert_eq!(count, scene.model.live().len(), "an iteration has left out a value");
    }

    /// Looks for every handle that was ever shown.
    pub(super) fn check_all(&self, scene: &mut Scene<'_>) {
        self.iterate(scene);
        assert_eq!(self.table.len(), scene.model.live().len());
        scene.model.check_stats(&self.table.stats());
        for raw in scene.model.seen() {
            let Some(handle) = handle(*raw) else { panic!("a handle is zero") };
            match self.table.get(handle) {
                Ok(value) => _ = scene.model.found(*raw, value.number()),
                Err(error) => scene.model.refused(*raw, error),
            }
        }
    }
}
