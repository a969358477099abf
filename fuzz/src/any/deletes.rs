//! Deletes, of the right type and of others.

use std::{ptr::without_provenance_mut, time::Duration};

use handle_table::{QuiesceError, WaitError};

use super::{
    hand::{Guard, Hand},
    handle,
    steps::{pick_typed, refused},
    typed, Table,
};
use crate::play::Scene;

impl Table {
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

    pub(super) fn remove_as(&self, scene: &mut Scene<'_>) {
        let (raw, kind) = pick_typed(scene);
        let Some(handle) = handle(raw) else { return };
        match typed::remove_as(&self.table, kind, handle) {
            Ok(()) => scene.model.deleted(raw),
            Err(error) => refused(raw, kind, error, scene),
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

    pub(super) fn remove_ref<'t>(&'t self, scene: &mut Scene<'_>, hand: &mut Hand<'t>) {
        let (raw, kind) = pick_typed(scene);
        let Some(handle) = handle(raw) else { return };
        match typed::remove_ref(&self.table, kind, handle) {
            Ok(value) => {
                let number = scene.model.found(raw, Some(value.number()));
                scene.model.pinned(scene.me);
                scene.model.deleted(raw);
                hand.keep(Guard::Ref(value, number), scene);
            }
            Err(error) => refused(raw, kind, error, scene),
        }
    }

    /// Waits for no time if another thread reads.
    pub(super) fn remove_wait(&self, scene: &mut Scene<'_>) {
        let raw = scene.pick();
        let Some(handle) = handle(raw) else { return };
        let (result, expected) = match scene.model.readers() {
            0 => (self.table.remove_wait(handle), Ok(())),
            _ => {
                let reads = scene.model.reads(scene.me);
                let error = if reads { WaitError::WouldDeadlock } else { WaitError::TimedOut };
                (self.table.remove_wait_timeout(handle, Duration::ZERO), Err(error))
            }
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
        let (raw, kind) = pick_typed(scene);
        let Some(handle) = handle(raw) else { return };
        let reads = scene.model.reads(scene.me);
        if scene.model.is_live(raw) && scene.model.readers() != 0 && !reads {
            // It would wait for another thread, which waits for its turn.
            return;
        }
        match typed::take(&self.table, kind, handle) {
            Ok(number) => {
                assert!(!reads, "a value was taken by a thread that reads");
                scene.model.found(raw, Some(number));
                assert_eq!(scene.model.taken(raw).kind(), kind, "a value of another type");
            }
            Err(WaitError::Handle(error)) => refused(raw, kind, error, scene),
            Err(error) => {
                assert_eq!(error, WaitError::WouldDeadlock);
                assert!(reads && scene.model.is_live(raw) && self.table.contains(handle));
            }
        }
    }

    pub(super) fn destroy(&self, scene: &mut Scene<'_>) {
        let raw = scene.pick();
        self.table.destroy(without_provenance_mut(raw));
        if scene.model.is_live(raw) {
            scene.model.deleted(raw);
        } else if raw != 0 {
            scene.model.bad_handles += 1;
        }
    }

    /// Deletes some of the values, or all, in one pass.
    pub(super) fn retain(&self, scene: &mut Scene<'_>) {
        let every = scene.input.below(5) + 1;
        let (mut visits, mut dead) = (0, Vec::new());
        let deleted = self.table.retain(|handle, value| {
            let number = scene.model.found(handle.to_raw(), Some(typed::number_of(value)));
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

    pub(super) fn flush(&self, scene: &mut Scene<'_>) {
        let dropped = self.table.flush();
        scene.model.flushed();
        let before = scene.model.pending();
        scene.model.settle();
        if scene.model.readers() == 0 {
            assert_eq!(dropped, before, "what a flush has dropped");
        }
    }

    /// Waits for no time if another thread reads.
    pub(super) fn quiesce(&self, scene: &mut Scene<'_>) {
        if scene.model.reads(scene.me) {
            // A table that was never used does not look for readers.
            let is_used = !scene.model.seen().is_empty();
            let expected = if is_used { Err(QuiesceError::Pinned) } else { Ok(()) };
            return assert_eq!(self.table.quiesce(), expected);
        }
        let result = match scene.model.readers() {
            0 => self.table.quiesce(),
            _ => self.table.quiesce_timeout(Duration::ZERO),
        };
        scene.model.flushed();
        assert_eq!(result.is_ok(), !scene.model.waits_for_readers(), "{result:?}");
    }

    /// Inserts so many values, and deletes as many.
    pub(super) fn churn(&self, scene: &mut Scene<'_>) {
        let (count, is_pairs) = (scene.input.below(24), scene.input.flag());
        for _ in 0..count {
            self.try_insert(scene);
            if is_pairs {
                self.remove_last(scene);
            }
            scene.model.settle();
        }
        for _ in 0..count {
            self.remove_last(scene);
            scene.model.settle();
        }
    }

    fn remove_last(&self, scene: &mut Scene<'_>) {
        if let Some((raw, _)) = scene.model.live().last().copied() {
            self.remove_raw(raw, scene);
        }
    }
}
