//! Random sequences of operations, beside a plain map that does the same.
#![cfg(not(loom))]

mod common;

use std::{
    cell::Cell,
    collections::HashMap,
    panic::{catch_unwind, resume_unwind, AssertUnwindSafe},
    sync::{
        atomic::{AtomicUsize, Ordering::Relaxed},
        Arc,
    },
};

use handle_table::{Handle, HandleError, HandleTable};
use proptest::{prelude::*, sample::Index};

/// One operation. An `Index` picks a handle of all that were ever issued, live or stale.
#[derive(Clone, Debug)]
enum Op {
    Insert(u16),
    InsertWith(u16),
    InsertWithPanic,
    Get(Index),
    Remove(Index),
    RemoveRef(Index),
    RemoveNow(Index),
    Forge(usize),
    Flip(Index, u32),
    Retain(u16),
    Clear,
    Iterate,
    Flush,
    Quiesce,
}

fn op() -> impl Strategy<Value = Op> {
    let handle = any::<Index>;
    prop_oneof![
        20 => any::<u16>().prop_map(Op::Insert),
        4 => any::<u16>().prop_map(Op::InsertWith),
        1 => Just(Op::InsertWithPanic),
        8 => handle().prop_map(Op::Get),
        12 => handle().prop_map(Op::Remove),
        3 => handle().prop_map(Op::RemoveRef),
        3 => handle().prop_map(Op::RemoveNow),
        2 => any::<usize>().prop_map(Op::Forge),
        2 => (handle(), 0..usize::BITS).prop_map(|(handle, bit)| Op::Flip(handle, bit)),
        1 => (2_u16..5).prop_map(Op::Retain),
        1 => Just(Op::Clear),
        2 => Just(Op::Iterate),
        2 => Just(Op::Flush),
        1 => Just(Op::Quiesce),
    ]
}

/// A value that counts those alive.
struct Value(u16, Arc<AtomicUsize>);

impl Drop for Value {
    fn drop(&mut self) {
        self.1.fetch_sub(1, Relaxed);
    }
}

/// The table, and what it should be.
struct Pair {
    table: HandleTable<Value>,
    limit: usize,
    model: HashMap<Handle, u16>,
    /// All that were ever seen, in order.
    seen: Vec<Handle>,
    alive: Arc<AtomicUsize>,
}

impl Pair {
    fn new(table: HandleTable<Value>, limit: usize) -> Self {
        Self {
            table,
            limit,
            model: HashMap::new(),
            seen: Vec::new(),
            alive: Arc::default(),
        }
    }

    fn value(&self, n: u16) -> Value {
        self.alive.fetch_add(1, Relaxed);
        Value(n, Arc::clone(&self.alive))
    }

    fn pick(&self, index: Index) -> Option<Handle> {
        (!self.seen.is_empty()).then(|| *index.get(&self.seen))
    }

    fn issued(&mut self, handle: Handle, n: u16) {
        assert!(self.model.len() < self.limit, "one too many");
        assert!(!self.seen.contains(&handle), "issued before");
        self.seen.push(handle);
        self.model.insert(handle, n);
    }

    /// The table must have refused `handle`, for this reason.
    fn refused(&self, handle: Handle, error: HandleError) {
        assert!(!self.model.contains_key(&handle), "{error}");
        if self.seen.contains(&handle) {
            assert!(matches!(error, HandleError::Deleted { .. }), "{error}");
        }
    }

    fn look(&self, handle: Handle) {
        assert_eq!(
            self.table.contains(handle),
            self.model.contains_key(&handle)
        );
        match self.table.get(handle) {
            Ok(value) => assert_eq!(self.model.get(&handle), Some(&value.0)),
            Err(error) => self.refused(handle, error),
        }
    }

    fn removed(&mut self, handle: Handle, result: Result<(), HandleError>) {
        match result {
            Ok(()) => assert!(self.model.remove(&handle).is_some()),
            Err(error) => self.refused(handle, error),
        }
        assert!(!self.table.contains(handle));
    }

    fn run(&mut self, op: Op) {
        match op {
            Op::Insert(n) => match self.table.try_insert(self.value(n)) {
                Ok(handle) => self.issued(handle, n),
                Err(full) => {
                    assert_eq!(full.into_inner().0, n);
                    assert_eq!(self.model.len(), self.limit);
                }
            },
            Op::InsertWith(n) => {
                let value = self.value(n);
                match self.table.try_insert_with(|_| value) {
                    Ok(handle) => self.issued(handle, n),
                    Err(_) => assert_eq!(self.model.len(), self.limit),
                }
            }
            Op::InsertWithPanic => {
                let shown = Cell::new(None);
                let make = |me| {
                    shown.set(Some(me));
                    resume_unwind(Box::new(()))
                };
                let insert = AssertUnwindSafe(|| self.table.try_insert_with(make).map(drop));
                match (catch_unwind(insert), shown.get()) {
                    (Err(_), Some(shown)) => self.seen.push(shown),
                    (result, _) => assert!(result.is_ok_and(|result| result.is_err())),
                }
            }
            Op::Get(index) => self.pick(index).into_iter().for_each(|h| self.look(h)),
            Op::Remove(index) => {
                let Some(handle) = self.pick(index) else {
                    return;
                };
                let result = self.table.remove(handle);
                self.removed(handle, result);
            }
            Op::RemoveRef(index) => {
                let Some(handle) = self.pick(index) else {
                    return;
                };
                let result = self.table.remove_ref(handle).map(|value| value.0);
                assert_eq!(result.ok(), self.model.get(&handle).copied());
                self.removed(handle, result.map(drop));
            }
            Op::RemoveNow(index) => {
                let Some(handle) = self.pick(index) else {
                    return;
                };
                let result = self.table.remove_now(handle);
                self.removed(handle, result);
            }
            Op::Forge(raw) => {
                Handle::from_raw(raw).into_iter().for_each(|h| self.look(h));
            }
            Op::Flip(index, bit) => {
                let flip = |handle: Handle| Handle::from_raw(handle.into_raw() ^ (1 << bit)).ok();
                let Some(handle) = self.pick(index).and_then(flip) else {
                    return;
                };
                self.look(handle);
                if !self.model.contains_key(&handle) {
                    let result = self.table.remove(handle);
                    self.removed(handle, result);
                }
            }
            Op::Retain(n) => {
                self.table.retain(|_, value| value.0 % n != 0);
                self.model.retain(|_, value| *value % n != 0);
            }
            Op::Clear => {
                self.table.clear();
                self.model.clear();
            }
            Op::Iterate => {
                let pinned = self.table.pin();
                assert_eq!(pinned.iter().count(), self.model.len());
                let seen: HashMap<_, _> = pinned.iter().map(|(h, value)| (h, value.0)).collect();
                assert_eq!(seen, self.model);
            }
            Op::Flush => self.table.flush(),
            Op::Quiesce => {
                self.table.quiesce().unwrap();
                assert_eq!(self.alive.load(Relaxed), self.model.len());
                assert_eq!(self.table.stats().pending, 0);
            }
        }
        assert_eq!(self.table.len(), self.model.len());
        assert!(self.alive.load(Relaxed) >= self.model.len());
    }

    fn finish(mut self) {
        self.seen.iter().for_each(|handle| self.look(*handle));
        self.run(Op::Iterate);
        self.run(Op::Quiesce);
        let stats = self.table.stats();
        assert_eq!(stats.live, self.model.len());
        assert_eq!(stats.drop_panics, 0);
        drop(self.table);
        assert_eq!(self.alive.load(Relaxed), 0);
    }
}

/// Runs the same operations on tables of all kinds.
fn compare(ops: &[Op]) {
    let builder = HandleTable::builder;
    let pairs = [
        Pair::new(builder().build(), usize::MAX),
        Pair::new(builder().shards(1).build(), usize::MAX),
        Pair::new(builder().max_handles(7).build(), 7),
        Pair::new(builder().shards(1).max_handles(1).build(), 1),
    ];
    for mut pair in pairs {
        ops.iter().for_each(|op| pair.run(op.clone()));
        pair.finish();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..<_>::default() })]

    #[test]
    fn a_table_is_not_a_map(ops in proptest::collection::vec(op(), 1..400)) {
        compare(&ops);
    }
}
