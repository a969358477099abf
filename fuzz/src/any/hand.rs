//! [`Hand`]: what a thread holds from one operation to the next.

use handle_table::{Pinned, PinnedAny, ReservedAny};

use super::typed::AnyRef;
use crate::{forge::OTHER, ledger::Number, play::Scene};

/// How many guards, and how many reserved handles.
const MOST: usize = 6;

pub(super) enum Guard<'t> {
    Ref(AnyRef<'t>, Number),
    Pinned(PinnedAny<'t>),
    /// Of another table.
    Foreign(#[allow(dead_code)] Pinned<'static, u32>),
}

#[derive(Default)]
pub(super) struct Hand<'t> {
    guards: Vec<Guard<'t>>,
    reserved: Vec<ReservedAny<'t>>,
}

impl<'t> Hand<'t> {
    /// Keeps a guard, which the model counts already; or lets it go.
    pub(super) fn keep(&mut self, guard: Guard<'t>, scene: &mut Scene<'_>) {
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
        drop(self.guards.remove(nth));
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
    pub(super) fn pinned(&mut self, scene: &mut Scene<'_>) -> Option<&mut PinnedAny<'t>> {
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

    pub(super) fn reserve(&mut self, reserved: ReservedAny<'t>) {
        self.reserved.push(reserved);
    }

    pub(super) fn take_reserved(&mut self, scene: &mut Scene<'_>) -> Option<ReservedAny<'t>> {
        let nth = scene.input.below(self.reserved.len());
        (!self.reserved.is_empty()).then(|| self.reserved.swap_remove(nth))
    }

    /// Looks at all values once more.
    pub(super) fn check(&self) {
        for guard in &self.guards {
            if let Guard::Ref(value, number) = guard {
                assert_eq!(value.number(), *number, "a value has changed");
            }
        }
    }
}
