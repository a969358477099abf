//! Inserts and look-ups, of the right type and of others.

use std::{panic::resume_unwind, ptr::without_provenance_mut};

use handle_table::{CallError, HandleError};

use super::{
    hand::{Guard, Hand},
    handle,
    typed::{self, KINDS},
    Table,
};
use crate::{model::Fate, play::Scene};

/// A handle, and the number of the type to ask for: mostly that of its value.
pub(super) fn pick_typed(scene: &mut Scene<'_>) -> (usize, usize) {
    let (raw, byte) = (scene.pick(), scene.input.byte());
    match scene.model.fate(raw) {
        Fate::Live(number) if byte < 192 => (raw, number.kind()),
        _ => (raw, usize::from(byte) % KINDS),
    }
}

/// A table has given this error for a handle as a value of a type.
pub(super) fn refused(raw: usize, kind: usize, error: HandleError, scene: &Scene<'_>) {
    match (error, scene.model.fate(raw)) {
        (HandleError::WrongType { raw: said, expected, found, .. }, Fate::Live(number)) => {
            assert_eq!(said, raw, "the error names another handle");
            assert!(number.kind() != kind && expected != found, "{error}");
        }
        _ => scene.model.refused(raw, error),
    }
}

impl Table {
    pub(super) fn try_insert(&self, scene: &mut Scene<'_>) {
        let number = scene.number();
        match typed::try_insert(&self.table, number) {
            Some(handle) => scene.model.issued(handle.to_raw(), number),
            None => assert!(scene.model.is_full(), "an insert was refused, and there is room"),
        }
    }

    pub(super) fn insert_with(&self, scene: &mut Scene<'_>) {
        let number = scene.number();
        let see = |me: typed::AnyHandle| self.has_no_value(me.to_raw());
        match typed::insert_with(&self.table, number, see) {
            Some(handle) => scene.model.issued(handle.to_raw(), number),
            None => assert!(scene.model.is_full(), "an insert was refused, and there is room"),
        }
    }

    /// Keeps the handle, or has it deleted with its owner.
    pub(super) fn insert_owned(&self, scene: &mut Scene<'_>) {
        if scene.model.is_full() {
            return;
        }
        let (number, keeps) = (scene.number(), scene.input.flag());
        typed::insert_owned(&self.table, number, keeps, |handle, found| {
            assert_eq!(found, Ok(number));
            scene.model.issued(handle.to_raw(), number);
        });
        if let (false, Some((raw, _))) = (keeps, scene.model.live().last().copied()) {
            scene.model.deleted(raw);
        }
    }

    pub(super) fn reserve<'t>(&'t self, scene: &mut Scene<'_>, hand: &mut Hand<'t>) {
        if !hand.may_reserve() {
            return;
        }
        match self.table.try_reserve() {
            Ok(reserved) => {
                scene.model.reserved(reserved.handle().to_raw());
                self.has_no_value(reserved.handle().to_raw());
                hand.reserve(reserved);
            }
            Err(_) => assert!(scene.model.is_full(), "a reserve was refused, and there is room"),
        }
    }

    /// Fills a reserved handle, or drops it.
    pub(super) fn fill(&self, scene: &mut Scene<'_>, hand: &mut Hand<'_>) {
        let Some(reserved) = hand.take_reserved(scene) else { return };
        let raw = reserved.handle().to_raw();
        if scene.input.byte() % 4 == 0 {
            drop(reserved);
            return scene.model.filled(raw, None);
        }
        let number = scene.number();
        assert_eq!(typed::fill(reserved, number).to_raw(), raw, "another handle was filled");
        scene.model.filled(raw, Some(number));
    }

    /// A handle is reserved.
    fn has_no_value(&self, raw: usize) {
        let Some(handle) = handle(raw) else { panic!("a handle is zero") };
        let not_yet = HandleError::NotYet { raw };
        assert!(!self.table.contains(handle), "{raw:#x} has no value yet");
        assert_eq!(typed::get(&self.table, 0, handle).err(), Some(not_yet));
        assert_eq!(self.table.remove(handle), Err(not_yet));
    }

    pub(super) fn get<'t>(&'t self, scene: &mut Scene<'_>, hand: &mut Hand<'t>) {
        let (raw, kind) = pick_typed(scene);
        let Some(handle) = handle(raw) else { return };
        match typed::get(&self.table, kind, handle) {
            Ok(value) => {
                let number = scene.model.found(raw, Some(value.number()));
                assert_eq!(number.kind(), kind, "a value of another type was found");
                scene.model.pinned(scene.me);
                hand.keep(Guard::Ref(value, number), scene);
            }
            Err(error) => refused(raw, kind, error, scene),
        }
    }

    pub(super) fn pin<'t>(&'t self, scene: &mut Scene<'_>, hand: &mut Hand<'t>) {
        scene.model.pinned(scene.me);
        hand.keep(Guard::Pinned(self.table.pin()), scene);
    }

    pub(super) fn get_pinned(&self, scene: &mut Scene<'_>, hand: &mut Hand<'_>) {
        let (raw, kind) = pick_typed(scene);
        let (Some(pinned), Some(handle)) = (hand.pinned(scene), handle(raw)) else { return };
        match typed::get_pinned(pinned, kind, handle) {
            Ok(number) => _ = scene.model.found(raw, Some(number)),
            Err(error) => refused(raw, kind, error, scene),
        }
    }

    pub(super) fn repin(&self, scene: &mut Scene<'_>, hand: &mut Hand<'_>) {
        if let Some(pinned) = hand.pinned(scene) {
            pinned.repin();
            scene.model.repinned(scene.me);
        }
    }

    pub(super) fn get_in_signal(&self, scene: &mut Scene<'_>) {
        let (raw, kind) = pick_typed(scene);
        let Some(handle) = handle(raw) else { return };
        match typed::get_in_signal(&self.table, kind, handle) {
            Ok(number) => _ = scene.model.found(raw, Some(number)),
            Err(error) => refused(raw, kind, error, scene),
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
            scene.model.found(handle.to_raw(), Some(typed::number_of(value)));
            count += 1;
        }
        assert_eq!(count, scene.model.live().len(), "an iteration has left out a value");
    }

    /// A callback, which may delete its own handle, or panic.
    pub(super) fn call(&self, scene: &mut Scene<'_>) {
        let (raw, kind) = pick_typed(scene);
        let user_data = without_provenance_mut(raw);
        let (deletes, panics) = match scene.input.below(4) {
            0 => (true, false),
            1 => (false, true),
            _ => (false, false),
        };
        let result = typed::call(&self.table, kind, user_data, |number| {
            scene.model.found(raw, Some(number));
            scene.model.pinned(scene.me);
            if deletes {
                self.table.destroy(user_data);
                scene.model.deleted(raw);
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
            Err(CallError::Handle(error)) => {
                refused(raw, kind, error, scene);
                scene.model.bad_handles += 1;
                return;
            }
        }
        scene.model.unpinned(scene.me);
    }

    pub(super) fn check_stats(&self, scene: &mut Scene<'_>) {
        scene.model.check_stats(&self.table.stats());
        assert_eq!(self.table.len(), scene.model.live().len());
        let by_type = self.table.stats_by_type();
        for stats in &by_type {
            let of_type = (0..KINDS)
                .map(|kind| scene.model.live().iter().filter(|live| live.1.kind() == kind).count());
            assert!(of_type.into_iter().any(|count| count == stats.live), "{stats}");
        }
        let sum: usize = by_type.iter().map(|stats| stats.live).sum();
        assert_eq!(sum, scene.model.live().len());
    }

    /// Looks for every handle that was ever shown.
    pub(super) fn check_all(&self, scene: &mut Scene<'_>) {
        self.iterate(scene);
        self.check_stats(scene);
        for raw in scene.model.seen() {
            let Some(handle) = handle(*raw) else { panic!("a handle is zero") };
            for kind in 0..KINDS {
                match typed::get(&self.table, kind, handle) {
                    Ok(value) => _ = scene.model.found(*raw, Some(value.number())),
                    Err(error) => refused(*raw, kind, error, scene),
                }
            }
        }
    }
}
