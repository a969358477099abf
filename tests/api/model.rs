//! Random sequences of operations on a table and on a map, whose answers must agree.

use std::{
    cell::Cell,
    collections::HashMap,
    panic::{catch_unwind, resume_unwind, AssertUnwindSafe},
};

use handle_table::{CallError, Handle, HandleError, HandleTable};
use proptest::{prelude::*, sample::Index};

use crate::{
    common::{scaled, table_kinds, Census, Witness},
    quiet,
};

/// One operation. An `Index` picks one of the handles issued so far, live or stale.
#[derive(Clone, Debug)]
enum Op {
    Insert(u16),
    InsertWith(u16),
    InsertWithPanic,
    /// Reserves a handle, and fills it, or drops it if there is no value.
    Reserve(Option<u16>),
    Get(Index),
    Remove(Index),
    RemoveRef(Index),
    RemoveNow(Index),
    Forge(usize),
    Flip(Index, u32),
    Call(Index),
    Destroy(Index),
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
        4 => any::<Option<u16>>().prop_map(Op::Reserve),
        8 => handle().prop_map(Op::Get),
        12 => handle().prop_map(Op::Remove),
        3 => handle().prop_map(Op::RemoveRef),
        3 => handle().prop_map(Op::RemoveNow),
        2 => any::<usize>().prop_map(Op::Forge),
        2 => (handle(), 0..usize::BITS).prop_map(|(handle, bit)| Op::Flip(handle, bit)),
        2 => handle().prop_map(Op::Call),
        3 => handle().prop_map(Op::Destroy),
        1 => (2_u16..5).prop_map(Op::Retain),
        1 => Just(Op::Clear),
        2 => Just(Op::Iterate),
        2 => Just(Op::Flush),
        1 => Just(Op::Quiesce),
    ]
}

/// Counts the values of one table at a time: each [`Pair`] drops all of its own.
static CENSUS: Census = Census::new();

/// The table, and the map that says what it should hold.
struct Pair {
    table: HandleTable<Witness>,
    limit: usize,
    model: HashMap<Handle<Witness>, u16>,
    /// All handles issued so far, in order, and those that were shown and never issued.
    seen: Vec<Handle<Witness>>,
}

impl Pair {
    fn new(table: HandleTable<Witness>, limit: usize) -> Self {
        Self { table, limit, model: HashMap::new(), seen: Vec::new() }
    }

    fn pick(&self, index: Index) -> Option<Handle<Witness>> {
        (!self.seen.is_empty()).then(|| *index.get(&self.seen))
    }

    fn issued(&mut self, handle: Handle<Witness>, n: u16) {
        assert!(self.model.len() < self.limit, "more handles than the limit");
        assert!(!self.seen.contains(&handle), "a handle was issued twice");
        self.seen.push(handle);
        self.model.insert(handle, n);
    }

    /// The table has answered `error` for `handle`: is that right?
    fn check_error(&self, handle: Handle<Witness>, error: HandleError) {
        assert!(!self.model.contains_key(&handle), "{error}");
        if self.seen.contains(&handle) {
            assert!(matches!(error, HandleError::Deleted { .. }), "{error}");
        }
    }

    fn check(&self, handle: Handle<Witness>) {
        assert_eq!(self.table.contains(handle), self.model.contains_key(&handle));
        match self.table.get(handle) {
            Ok(value) => assert_eq!(self.model.get(&handle).copied(), Some(number(&value))),
            Err(error) => self.check_error(handle, error),
        }
    }

    fn removed(&mut self, handle: Handle<Witness>, result: Result<(), HandleError>) {
        match result {
            Ok(()) => assert!(self.model.remove(&handle).is_some()),
            Err(error) => self.check_error(handle, error),
        }
        assert!(!self.table.contains(handle));
    }

    fn reserve(&mut self, value: Option<u16>) {
        let Ok(reserved) = self.table.try_reserve() else {
            return assert_eq!(self.model.len(), self.limit);
        };
        let handle = reserved.handle();
        let not_yet = HandleError::NotYet { raw: handle.to_raw() };
        assert_eq!(self.table.get(handle).map(drop), Err(not_yet));
        assert_eq!(self.table.remove(handle), Err(not_yet));
        match value {
            Some(n) => {
                assert_eq!(reserved.fill(CENSUS.witness(n.into())), handle);
                self.issued(handle, n);
            }
            None => {
                drop(reserved);
                self.seen.push(handle);
            }
        }
    }

    fn run(&mut self, op: Op) {
        match op {
            Op::Insert(n) => match self.table.try_insert(CENSUS.witness(n.into())) {
                Ok(handle) => self.issued(handle, n),
                Err(full) => {
                    assert_eq!(number(&full.into_inner()), n);
                    assert_eq!(self.model.len(), self.limit);
                }
            },
            Op::InsertWith(n) => {
                let value = CENSUS.witness(n.into());
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
            Op::Reserve(value) => self.reserve(value),
            Op::Call(index) => {
                let Some(handle) = self.pick(index) else {
                    return;
                };
                match self.table.call(handle.to_ptr(), number) {
                    Ok(n) => assert_eq!(self.model.get(&handle), Some(&n)),
                    Err(CallError::Handle(error)) => self.check_error(handle, error),
                    Err(other) => panic!("{other}"),
                }
            }
            Op::Destroy(index) => {
                let Some(handle) = self.pick(index) else {
                    return;
                };
                let bad = self.table.stats().bad_handles;
                self.table.destroy(handle.to_ptr());
                let was_live = self.model.remove(&handle).is_some();
                assert_eq!(self.table.stats().bad_handles == bad, was_live);
                assert!(!self.table.contains(handle));
            }
            Op::Get(index) => self.pick(index).into_iter().for_each(|h| self.check(h)),
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
                let result = self.table.remove_ref(handle).map(|value| number(&value));
                assert_eq!(result.ok(), self.model.get(&handle).copied());
                self.removed(handle, result.map(drop));
            }
            Op::RemoveNow(index) => {
                let Some(handle) = self.pick(index) else {
                    return;
                };
                let result = self.table.remove_now(handle);
                self.removed(handle, result.map(|_| ()));
            }
            Op::Forge(raw) => {
                Handle::from_raw(raw).into_iter().for_each(|h| self.check(h));
            }
            Op::Flip(index, bit) => {
                let flip = |handle: Handle<_>| Handle::from_raw(handle.to_raw() ^ (1 << bit)).ok();
                let Some(handle) = self.pick(index).and_then(flip) else {
                    return;
                };
                self.check(handle);
                if !self.model.contains_key(&handle) {
                    let result = self.table.remove(handle);
                    self.removed(handle, result);
                }
            }
            Op::Retain(n) => {
                let before = self.model.len();
                let deleted = self.table.retain(|_, value| number(value) % n != 0);
                self.model.retain(|_, value| *value % n != 0);
                assert_eq!(deleted, before - self.model.len());
            }
            Op::Clear => {
                assert_eq!(self.table.clear(), self.model.len());
                self.model.clear();
            }
            Op::Iterate => {
                let pinned = self.table.pin();
                assert_eq!(pinned.iter().count(), self.model.len());
                let seen: HashMap<_, _> =
                    pinned.iter().map(|(h, value)| (h, number(value))).collect();
                assert_eq!(seen, self.model);
            }
            Op::Flush => {
                self.table.flush();
            }
            Op::Quiesce => {
                self.table.quiesce().unwrap();
                assert_eq!(CENSUS.left(), self.model.len());
                assert_eq!(self.table.stats().pending, 0);
            }
        }
        assert_eq!(self.table.len(), self.model.len());
        assert!(CENSUS.left() >= self.model.len());
    }

    fn finish(mut self) {
        self.seen.iter().for_each(|handle| self.check(*handle));
        self.run(Op::Iterate);
        self.run(Op::Quiesce);
        let stats = self.table.stats();
        assert_eq!(stats.live, self.model.len());
        assert_eq!(stats.drop_panics, 0);
        drop(self.table);
        CENSUS.assert_all_dropped_once();
    }
}

/// The number of a value, which was made of a `u16`.
fn number(value: &Witness) -> u16 {
    value.look() as u16
}

/// Runs the operations on tables of all kinds, and on small ones that are full most of the time.
fn compare(ops: &[Op]) {
    quiet();
    let limited = |shards, limit| {
        let builder = HandleTable::builder().shards(shards);
        Pair::new(builder.max_handles(limit).build(), limit)
    };
    let never_full = table_kinds().map(|table| Pair::new(table, usize::MAX));
    for mut pair in never_full.chain([limited(8, 7), limited(1, 1)]) {
        ops.iter().for_each(|op| pair.run(op.clone()));
        pair.finish();
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: scaled(96) as u32,
        failure_persistence: None,
        ..<_>::default()
    })]

    #[test]
    fn a_table_behaves_like_a_map(ops in proptest::collection::vec(op(), 1..400)) {
        compare(&ops);
    }
}
