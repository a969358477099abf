//! The inserts.

use std::{
    cell::Cell,
    panic::{catch_unwind, resume_unwind, AssertUnwindSafe},
};

use handle_table::{HandleError, InsertError};

use super::{hand::Hand, handle, Table};
use crate::{play::Scene, values::Value};

impl<V: Value> Table<V> {
    pub(super) fn try_insert(&self, scene: &mut Scene<'_>) {
        let number = scene.number();
        let mut value = V::new(number);
        if V::CHAINS {
            let raw = scene.pick();
            if value.chain(&self.table, raw) {
                scene.model.chained(number, raw);
            }
        }
        match self.table.try_insert(value) {
            Ok(handle) => scene.model.issued(handle.to_raw(), number),
            Err(full) => {
                assert!(scene.model.is_full(), "an insert was refused, and there is room");
                assert_eq!(full.into_inner().finish(), number, "another value came back");
            }
        }
    }

    /// Like `try_insert`, by the form that panics if the table is full.
    pub(super) fn insert(&self, scene: &mut Scene<'_>) {
        if scene.model.is_full() {
            return self.try_insert(scene);
        }
        let number = scene.number();
        let handle = self.table.insert(V::new(number));
        scene.model.issued(handle.to_raw(), number);
    }

    pub(super) fn insert_with(&self, scene: &mut Scene<'_>) {
        let number = scene.number();
        let inserted = self.table.try_insert_with(|me| {
            self.has_no_value(me.to_raw());
            V::new(number)
        });
        match inserted {
            Ok(handle) => scene.model.issued(handle.to_raw(), number),
            Err(_) => assert!(scene.model.is_full(), "an insert was refused, and there is room"),
        }
    }

    /// The closure fails, or panics.
    pub(super) fn insert_in_vain(&self, scene: &mut Scene<'_>) {
        let shown = Cell::new(0);
        let panics = scene.input.flag();
        let make = |me: handle_table::Handle<V>| {
            shown.set(me.to_raw());
            if panics {
                resume_unwind(Box::new(()));
            }
            Err(7)
        };
        let insert = AssertUnwindSafe(|| self.table.try_insert_with_result(make));
        match catch_unwind(insert) {
            Ok(Err(InsertError::Full(_))) => assert!(scene.model.is_full() && shown.get() == 0),
            Ok(Err(InsertError::Failed(error))) => assert!(!panics && error == 7),
            Ok(Ok(handle)) => panic!("{handle:?} was issued without a value"),
            Err(_) => assert!(panics),
        }
        if shown.get() != 0 {
            scene.model.reserved(shown.get());
            scene.model.filled(shown.get(), None);
        }
    }

    /// Keeps the handle, or has it deleted with its owner.
    pub(super) fn insert_owned(&self, scene: &mut Scene<'_>) {
        if scene.model.is_full() {
            return;
        }
        let number = scene.number();
        let owned = self.table.insert_owned(V::new(number));
        let raw = owned.handle().to_raw();
        scene.model.issued(raw, number);
        let found = owned.get().map(|value| value.number());
        scene.model.found(raw, found.unwrap_or_else(|error| panic!("owned: {error}")));
        if scene.input.flag() {
            let _ = owned.into_handle();
        } else {
            drop(owned);
            scene.model.deleted(raw);
        }
    }

    pub(super) fn reserve<'t>(&'t self, scene: &mut Scene<'_>, hand: &mut Hand<'t, V>) {
        if !hand.may_reserve() {
            return;
        }
        match self.table.try_reserve() {
            Ok(reserved) => {
                let raw = reserved.handle().to_raw();
                scene.model.reserved(raw);
                self.has_no_value(raw);
                hand.reserve(reserved);
            }
            Err(_) => assert!(scene.model.is_full(), "a reserve was refused, and there is room"),
        }
    }

    /// Fills a reserved handle, or drops it.
    pub(super) fn fill(&self, scene: &mut Scene<'_>, hand: &mut Hand<'_, V>) {
        let Some(reserved) = hand.take_reserved(scene) else { return };
        let raw = reserved.handle().to_raw();
        if scene.input.byte() % 4 == 0 {
            drop(reserved);
            return scene.model.filled(raw, None);
        }
        let number = scene.number();
        assert_eq!(reserved.fill(V::new(number)).to_raw(), raw, "another handle was filled");
        scene.model.filled(raw, Some(number));
    }

    /// A handle is reserved.
    fn has_no_value(&self, raw: usize) {
        let Some(handle) = handle(raw) else { panic!("a handle is zero") };
        let not_yet = HandleError::NotYet { raw };
        assert!(!self.table.contains(handle), "{raw:#x} has no value yet");
        assert_eq!(self.table.get(handle).err(), Some(not_yet));
        assert_eq!(self.table.remove(handle), Err(not_yet));
    }
}
