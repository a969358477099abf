//! [`Hand`]: what a thread holds from one operation to the next.

use handle_table::{Pinned, Ref, RefMut, Reserved};

use crate::{
    forge::OTHER,
    ledger::Number,
    play::Scene,
    values::{Core, Value},
};

/// How many guards, and how many reserved handles.
const MOST: usize = 6;

pub(super) enum Guard<'t, V> {
    Ref(Ref<'t, V>, Number),
    Mut(RefMut<'t, Core>, Number),
    Pinned(Pinned<'t, V>),
    /// Of another table.
    Foreign(#[allow(dead_code)] Pinned<'static, u32>),
}

pub(super) struct Hand<'t, V> {
    guards: Vec<Guard<'t, V>>,
    reserved: Vec<Reserved<'t, V>>,
}

impl<V> Default for Hand<'_, V> {
    fn default() -> Self {
        Self { guards: Vec::new(), reserved: Vec::new() }
    }
}

impl<'t, V: Value> Hand<'t, V> {
    /// Keeps a guard, which the model counts already; or lets it go.
    pub(super) fn keep(&mut self, guard: Guard<'t, V>, scene: &mut Scene<'_>) {
        self.guards.push(guard);
        if self.guards.len() > MOST || scene.input.flag() {
            let last = self.guards.len() - 1;
            self.let_go(last, scene);
        }
    }

    /// Holds a guard of another table.
    pub(super) fn hold_foreign(&mut self, scene: &mut Scene<'_>) {
        scene.model.pinned(scene.me);
        self.keep(Guard::Foreign(OTHER.pin()), scene);
    }

    pub(super) fn let_one_go(&mut self, scene: &mut Scene<'_>) {
        let nth = scene.input.below(self.guards.len());
        if !self.guards.is_empty() {
            self.let_go(nth, scene);
        }
    }

    fn let_go(&mut self, nth: usize, scene: &mut Scene<'_>) {
        let guard = self.guards.remove(nth);
        if let Guard::Mut(_, number) = &guard {
            scene.model.given_back(*number);
        }
        drop(guard);
        scene.model.unpinned(scene.me);
    }

    pub(super) fn let_all_go(&mut self, scene: &mut Scene<'_>) {
        while !self.guards.is_empty() {
            self.let_go(0, scene);
            scene.model.settle();
        }
        while let Some(reserved) = self.take_reserved(scene) {
            scene.model.filled(reserved.handle().to_raw(), None);
        }
    }

    /// One of the pins, if there is one.
    pub(super) fn pinned(&mut self, scene: &mut Scene<'_>) -> Option<&mut Pinned<'t, V>> {
        let of_pin = |guard| match guard {
            &mut Guard::Pinned(ref mut pinned) => Some(pinned),
            _ => None,
        };
        let mut pins: Vec<_> = self.guards.iter_mut().filter_map(of_pin).collect();
        let nth = scene.input.below(pins.len());
        (!pins.is_empty()).then(|| pins.swap_remove(nth))
    }

    pub(super) fn may_reserve(&self) -> bool {
        self.reserved.len() < MOST
    }

    pub(super) fn reserve(&mut self, reserved: Reserved<'t, V>) {
        self.reserved.push(reserved);
    }

    pub(super) fn take_reserved(&mut self, scene: &mut Scene<'_>) -> Option<Reserved<'t, V>> {
        let nth = scene.input.below(self.reserved.len());
        (!self.reserved.is_empty()).then(|| self.reserved.swap_remove(nth))
    }

    /// Looks at all values once more.
    pub(super) fn check(&self) {
        for guard in &self.guards {
            match guard {
                Guard::Ref(value, number) => {
                    let found = value.number();
                    assert_eq!(found.unwrap_or(*number), *number, "a value has changed");
                }
                Guard::Mut(value, number) => assert_eq!(value.number(), *number),
                Guard::Pinned(_) | Guard::Foreign(_) => {}
            }
        }
    }
}
