//! Values that count themselves, and notice when they are used after their end.

use std::{
    hint::black_box,
    panic::resume_unwind,
    sync::{Arc, Weak},
};

use handle_table::{Exclusive, Handle, HandleError, HandleTable, RefMut};

use crate::ledger::{self, Number};

const CHECK: u32 = 0x5EED_BA5E;

/// A value of its own memory: AddressSanitizer sees a use after its end, and so does the checksum
/// if a table has kept the place.
#[derive(Debug)]
pub(crate) struct Core {
    number: Number,
    check: u32,
    heap: Box<u32>,
    is_armed: bool,
}

impl Core {
    fn new(number: Number) -> Self {
        ledger::make(number);
        Self {
            number,
            check: number.bits() ^ CHECK,
            heap: Box::new(number.bits()),
            is_armed: number.panics(),
        }
    }

    /// The number, if the value is what it was.
    pub(crate) fn number(&self) -> Number {
        assert_eq!(self.check, self.number.bits() ^ CHECK, "a value was overwritten");
        assert_eq!(*self.heap, self.number.bits(), "a value's memory was overwritten");
        assert!(ledger::is_alive(self.number), "{:?} was used after its end", self.number);
        self.number
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        let number = self.number();
        ledger::end(number);
        self.check = 0;
        *self.heap = 0;
        black_box(&mut *self);
        if self.is_armed {
            // Without the panic hook, which would end the run.
            resume_unwind(Box::new(()));
        }
    }
}

/// A type of values.
pub(crate) trait Value: Send + Sync + Sized + 'static {
    /// Whether the ledger has them, and a table has something to drop.
    const IS_COUNTED: bool = true;
    /// Whether a value's drop may delete another one.
    const CHAINS: bool = false;

    fn new(number: Number) -> Self;

    /// The number; `None` if the value is borrowed.
    fn number(&self) -> Option<Number>;

    /// The value is not to panic in its drop, which is not a table's.
    fn disarm(&mut self);

    /// Has the drop of this value delete a handle; returns whether the type can do that.
    fn chain(&mut self, _table: &Arc<HandleTable<Self>>, _raw: usize) -> bool {
        false
    }

    /// Ends a value that a table gave back.
    fn finish(mut self) -> Number {
        self.disarm();
        self.number().expect("the value is not in a table any more")
    }

    /// Borrows the value, if it is of a type that can be borrowed.
    fn get_mut(
        _table: &HandleTable<Self>,
        _handle: Handle<Self>,
    ) -> Option<Result<RefMut<'_, Core>, HandleError>> {
        None
    }
}

/// Lies in its slot.
impl Value for Core {
    fn new(number: Number) -> Self {
        Core::new(number)
    }

    fn number(&self) -> Option<Number> {
        Some(Core::number(self))
    }

    fn disarm(&mut self) {
        self.is_armed = false;
    }
}

/// Lies in a box.
#[derive(Debug)]
pub(crate) struct Large {
    core: Core,
    more: [u32; 24],
}

impl Value for Large {
    fn new(number: Number) -> Self {
        Self { core: Core::new(number), more: [number.bits(); 24] }
    }

    fn number(&self) -> Option<Number> {
        let number = self.core.number();
        assert_eq!(self.more, [number.bits(); 24], "a large value was overwritten");
        Some(number)
    }

    fn disarm(&mut self) {
        self.core.disarm();
    }
}

/// Lies in a slot of its own alignment.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Aligned(Core);

impl Value for Aligned {
    fn new(number: Number) -> Self {
        Self(Core::new(number))
    }

    fn number(&self) -> Option<Number> {
        assert_eq!(std::ptr::from_ref(self).addr() % 64, 0, "a value is not aligned");
        Some(self.0.number())
    }

    fn disarm(&mut self) {
        self.0.disarm();
    }
}

/// Has nothing to drop.
#[derive(Debug)]
pub(crate) struct Plain {
    number: Number,
    check: u32,
}

impl Value for Plain {
    const IS_COUNTED: bool = false;

    fn new(number: Number) -> Self {
        Self { number, check: number.bits() ^ CHECK }
    }

    fn number(&self) -> Option<Number> {
        assert_eq!(self.check, self.number.bits() ^ CHECK, "a value was overwritten");
        Some(self.number)
    }

    fn disarm(&mut self) {}
}

/// Changes, by one borrower at a time.
impl Value for Exclusive<Core> {
    fn new(number: Number) -> Self {
        Exclusive::new(Core::new(number))
    }

    fn number(&self) -> Option<Number> {
        Some(self.try_borrow_mut()?.number())
    }

    fn disarm(&mut self) {
        self.get_mut().disarm();
    }

    fn get_mut(
        table: &HandleTable<Self>,
        handle: Handle<Self>,
    ) -> Option<Result<RefMut<'_, Core>, HandleError>> {
        Some(table.get_mut(handle))
    }
}

/// Has no memory of its own.
#[derive(Debug)]
pub(crate) struct Tiny {
    number: Number,
    is_armed: bool,
}

impl Value for Tiny {
    fn new(number: Number) -> Self {
        ledger::make(number);
        Self { number, is_armed: number.panics() }
    }

    fn number(&self) -> Option<Number> {
        assert!(ledger::is_alive(self.number), "{:?} was used after its end", self.number);
        Some(self.number)
    }

    fn disarm(&mut self) {
        self.is_armed = false;
    }
}

impl Drop for Tiny {
    fn drop(&mut self) {
        ledger::end(self.number);
        if self.is_armed {
            resume_unwind(Box::new(()));
        }
    }
}

/// Deletes a handle in its drop.
#[derive(Debug)]
pub(crate) struct Chained {
    then: Option<(Weak<HandleTable<Chained>>, usize)>,
    core: Core,
}

impl Value for Chained {
    const CHAINS: bool = true;

    fn new(number: Number) -> Self {
        Self { then: None, core: Core::new(number) }
    }

    fn number(&self) -> Option<Number> {
        Some(self.core.number())
    }

    fn disarm(&mut self) {
        self.then = None;
        self.core.disarm();
    }

    fn chain(&mut self, table: &Arc<HandleTable<Self>>, raw: usize) -> bool {
        self.then = Some((Arc::downgrade(table), raw));
        true
    }
}

impl Drop for Chained {
    fn drop(&mut self) {
        let Some((table, raw)) = self.then.take() else { return };
        if let (Some(table), Ok(handle)) = (table.upgrade(), Handle::from_raw(raw)) {
            // It may be any integer.
            let _ = table.remove(handle);
        }
    }
}
