//! The deletes.

use std::time::Duration;

use handle_table::WaitError;

use super::{
    hand::{Guard, Hand},
    handle, Table,
};
use crate::{play::Scene, values::Value};

impl<V: Value> Table<V> {
    pub(super) fn remove(&self, scene: &mut Scene<'_>) {
        let raw = scene.pick();
        self.remove_raw(raw, scene);
    }

    pub(super) fn remove_raw(&self, raw: usize, scene: &mut Scene<'_>) {
        let Some(handle) = handle(raw) else { return };
        match self.table.remove(handle) {
            Ok(()) => scene.model.deleted(raw),
            Err(error) => scene.model.refused(raw, error),
        }
    }

    pub(super) fn remove_now(&self, scene: &mut Scene<'_>) {
        let raw = scene.pick();
        let Some(handle) = handle(raw) else { return };
        match self.table.remove_now(handle) {
            Ok(is_dropped) => {
                scene.model.deleted_promptly(raw);
                assert_eq!(is_dropped, scene.model.readers() == 0, "dropped now?");
            }
            Err(error) => scene.model.refused(raw, error),
        }
    }

    pub(super) fn remove_ref<'t>(&'t self, scene: &mut Scene<'_>, hand: &mut Hand<'t, V>) {
        let raw = scene.pick();
        let Some(handle) = handle(raw) else { return };
        match self.table.remove_ref(handle) {
            Ok(value) => {
                let number = scene.model.found(raw, value.number());
                scene.model.pinned(scene.me);
                scene.model.deleted(raw);
                hand.keep(Guard::Ref(value, number), scene);
            }
            Err(error) => scene.model.refused(raw, error),
        }
    }

    /// Waits for no time if another thread reads.
    pub(super) fn remove_wait(&self, scene: &mut Scene<'_>) {
        let raw = scene.pick();
        let Some(handle) = handle(raw) else { return };
        let result = match scene.model.readers() {
            0 => self.table.remove_wait(handle),
            _ => self.table.remove_wait_timeout(handle, Duration::ZERO),
        };
        let expected = match scene.model.readers() {
            0 => Ok(()),
            _ if scene.model.reads(scene.me) => Err(WaitError::WouldDeadlock),
            _ => Err(WaitError::TimedOut),
        };
        match result {
            Err(WaitError::Handle(error)) => scene.model.refused(raw, error),
            result => {
                scene.model.deleted_promptly(raw);
                assert_eq!(result, expected);
            }
        }
    }

    pub(super) fn take(&self, scene: &mut Scene<'_>) {
        let raw = scene.pick();
        let Some(handle) = handle(raw) else { return };
        let reads = scene.model.reads(scene.me);
        if scene.model.is_live(raw) && scene.model.readers() != 0 && !reads {
            // It would wait for another thread, which waits for its turn.
            return;
        }
        match self.table.take(handle) {
            Ok(value) => {
                assert!(!reads, "a value was taken by a thread that reads");
                assert_eq!(scene.model.taken(raw), value.finish(), "another value was taken");
            }
            Err(WaitError::Handle(error)) => scene.model.refused(raw, error),
            Err(error) => {
                assert_eq!(error, WaitError::WouldDeadlock);
                assert!(reads && scene.model.is_live(raw) && self.table.contains(handle));
            }
        }
    }

    /// Deletes some of the values, in one pass.
    pub(super) fn retain(&self, scene: &mut Scene<'_>) {
        let every = scene.input.below(5) + 1;
        let (mut visits, mut dead) = (0, Vec::new());
        let deleted = self.table.retain(|handle, value| {
            let number = scene.model.found(handle.to_raw(), value.number());
            visits += 1;
            let keeps = number.serial() % every != 0;
            if !keeps {
                dead.push(handle.to_raw());
            }
            keeps
        });
        assert_eq!(visits, scene.model.live().len(), "a pass has left out a value");
        assert_eq!(deleted, dead.len());
        dead.iter().for_each(|raw| scene.model.deleted_promptly(*raw));
    }

    pub(super) fn clear(&self, scene: &mut Scene<'_>) {
        assert_eq!(self.table.clear(), scene.model.live().len());
        while let Some((raw, _)) = scene.model.live().last().copied() {
            scene.model.deleted_promptly(raw);
        }
    }
}
