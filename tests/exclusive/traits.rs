//! What the compiler knows of the types. What must not compile is in `tests/compile_fail.rs`.

use std::{cell::Cell, rc::Rc, sync::MutexGuard};

use handle_table::{Exclusive, ExclusiveRefMut, HandleTable, RefMut};

/// Whether a type has a trait, as a `bool`: the inherent method is chosen where its bound holds,
/// the trait's method elsewhere.
macro_rules! is_impl {
    ($T:ty: $Trait:ident) => {{
        struct Probe<T: ?Sized>(std::marker::PhantomData<T>);
        #[allow(dead_code)]
        trait Otherwise {
            fn is(&self) -> bool {
                false
            }
        }
        impl<T: ?Sized> Otherwise for Probe<T> {}
        #[allow(dead_code)]
        impl<T: ?Sized + $Trait> Probe<T> {
            fn is(&self) -> bool {
                true
            }
        }
        Probe::<$T>(std::marker::PhantomData).is()
    }};
}

#[test]
fn a_cell_is_sync_if_its_value_is_send() {
    assert!(is_impl!(Exclusive<Cell<u8>>: Send));
    assert!(is_impl!(Exclusive<Cell<u8>>: Sync), "no two threads see the value at once");
    assert!(!is_impl!(Exclusive<Rc<u8>>: Send));
    assert!(!is_impl!(Exclusive<Rc<u8>>: Sync));
    assert!(!is_impl!(Exclusive<MutexGuard<'static, u8>>: Send));
    assert!(!is_impl!(Exclusive<MutexGuard<'static, u8>>: Sync), "each thread may take it out");
    assert!(is_impl!(HandleTable<Exclusive<Cell<u8>>>: Sync));
}

#[test]
fn a_borrow_cannot_leave_its_thread() {
    assert!(!is_impl!(RefMut<'static, u8>: Send));
    assert!(!is_impl!(RefMut<'static, u8>: Sync));
    assert!(!is_impl!(ExclusiveRefMut<'static, u8>: Send));
    assert!(!is_impl!(ExclusiveRefMut<'static, u8>: Sync));
}
