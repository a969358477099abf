//! This crate: a [`HandleTable`] of one type, with and without batches, and the process-wide table
//! of any type. Also of the tree before a change, which `.ci/before` puts beside it.

/// The systems of one version of the crate. `$handle` is the type of a table's handles: `Handle<V>`
/// for a table of `V`, or `Handle` in versions where all tables share one type.
macro_rules! version {
    ($version:ident, $handle:ty, $name:literal, $any:literal) => {
        use std::{convert::Infallible, marker::PhantomData};

        use $version::{Handle, HandleTable, Pinned};

        use crate::{
            systems::{Reader, System},
            value::Value,
        };

        pub struct Table<V>(HandleTable<V>);

        impl<V: Value> System for Table<V> {
            type Value = V;
            type Id = $handle;
            type Reader<'a> = Pinned<'a, V>;
            const NAME: &'static str = $name;

            fn new() -> Self {
                Self(HandleTable::new())
            }

            #[inline(always)]
            fn insert(&self, value: V) -> $handle {
                self.0.insert(value)
            }

            #[inline(always)]
            fn get(&self, handle: $handle) -> u64 {
                self.0.get(handle).expect("the value is live").read()
            }

            #[inline(always)]
            fn remove(&self, handle: $handle) {
                self.0.remove(handle).expect("the value is live");
            }

            #[inline(always)]
            fn reader(&self) -> Option<Pinned<'_, V>> {
                Some(self.0.pin())
            }
        }

        impl<V: Value> Reader<$handle> for Pinned<'_, V> {
            #[inline(always)]
            fn get(&self, handle: $handle) -> u64 {
                Pinned::get(self, handle).expect("the value is live").read()
            }

            #[inline(always)]
            fn repin(mut self) -> Self {
                Pinned::repin(&mut self);
                self
            }
        }

        /// The process-wide table, through `Handle::new`, `try_value` and `try_delete`.
        pub struct Global<V>(PhantomData<fn() -> V>);

        impl<V: Value> System for Global<V> {
            type Value = V;
            type Id = Handle;
            type Reader<'a> = Infallible;
            const NAME: &'static str = $any;

            fn new() -> Self {
                Self(PhantomData)
            }

            #[inline(always)]
            fn insert(&self, value: V) -> Handle {
                Handle::new(value)
            }

            #[inline(always)]
            fn get(&self, handle: Handle) -> u64 {
                handle.try_value::<V>().expect("the value is live").read()
            }

            #[inline(always)]
            fn remove(&self, handle: Handle) {
                handle.try_delete().expect("the value is live");
            }

            fn reader(&self) -> Option<Infallible> {
                None
            }
        }
    };
}

mod now {
    version!(handle_table, Handle<V>, "handle-table", "Handle (any type)");

    /// A table of batches of 256.
    pub struct Batched<V>(HandleTable<V>);

    impl<V: Value> System for Batched<V> {
        type Value = V;
        type Id = Handle<V>;
        type Reader<'a> = Pinned<'a, V>;
        const NAME: &'static str = "batch(256)";

        fn new() -> Self {
            Self(HandleTable::builder().batch(256).build())
        }

        #[inline(always)]
        fn insert(&self, value: V) -> Handle<V> {
            self.0.insert(value)
        }

        #[inline(always)]
        fn get(&self, handle: Handle<V>) -> u64 {
            self.0.get(handle).expect("the value is live").read()
        }

        #[inline(always)]
        fn remove(&self, handle: Handle<V>) {
            self.0.remove(handle).expect("the value is live");
        }

        #[inline(always)]
        fn reader(&self) -> Option<Pinned<'_, V>> {
            Some(self.0.pin())
        }
    }
}

#[cfg(benches_before)]
mod before {
    version!(before, Handle, "before", "before (any type)");
}

#[cfg(benches_before)]
pub use self::before::{Global as BeforeAny, Table as Before};
pub use self::now::{Batched, Global, Table};
