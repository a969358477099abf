//! Callbacks, flushes, and many steps at once.

use std::{panic::resume_unwind, ptr::without_provenance_mut, time::Duration};

use handle_table::{CallError, QuiesceError};

use super::Table;
use crate::{model::Drops, play::Scene, values::Value};

impl<V: Value> Table<V> {
    /// A callback, which may delete its own handle, or panic.
    pub(super) fn call(&self, scene: &mut Scene<'_>) {
        let raw = scene.pick();
        let user_data = without_provenance_mut(raw);
        let (deletes, panics) = match scene.input.below(4) {
            0 => (true, false),
            1 => (false, true),
            _ => (false, false),
        };
        let result = self.table.call(user_data, |value| {
            scene.model.found(raw, value.number());
            scene.model.pinned(scene.me);
            if deletes {
                self.table.destroy(user_data);
                scene.model.deleted(raw);
                value.number();
            }
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
            Err(error) => return scene.model.call_refused(raw, error),
        }
        scene.model.unpinned(scene.me);
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

    pub(super) fn flush(&self, scene: &mut Scene<'_>) {
        let dropped = self.table.flush();
        scene.model.flushed();
        let before = scene.model.pending();
        scene.model.settle();
        if scene.model.drops() != Drops::None && scene.model.readers() == 0 && !V::CHAINS {
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
        if scene.model.readers() == 0 {
            assert_eq!(self.table.quiesce(), Ok(()));
            scene.model.flushed();
            scene.model.settle();
            assert_eq!(self.table.stats().pending, 0, "nobody reads");
            return;
        }
        let result = self.table.quiesce_timeout(Duration::ZERO);
        scene.model.flushed();
        if scene.model.drops() != Drops::None {
            assert_eq!(result.is_ok(), !scene.model.waits_for_readers(), "{result:?}");
        }
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
