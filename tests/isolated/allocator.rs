//! An allocator that uses tables, also the one whose verb has called it: at its n-th call, for each
//! n in turn, and at many. Nothing hangs, no value is wrong, and every one is dropped once.
//! Alone in its process, whose allocator it is.
#![cfg(not(loom))]
#![allow(unsafe_code)] // an allocator

#[path = "allocator/calling.rs"]
mod calling;
#[path = "allocator/lives.rs"]
mod lives;
#[path = "../common/serial.rs"]
mod serial;
#[path = "allocator/values.rs"]
mod values;
#[path = "allocator/verbs.rs"]
mod verbs;

use std::{env, process, thread};

use handle_table::{AnyTable, HandleTable, OnceTable};

use calling::{doing, while_it_calls, At, Calling};
use lives::{live_any, live_handles, live_once, Counts};
use serial::serial;
use values::{assert_all_dropped, Counted, Large, Value};
use verbs::{use_any, use_handles, use_once};

#[global_allocator]
static ALLOCATOR: Calling = Calling;

/// A hook leaves a few dozen calls of the allocator for later, at the most.
const OFTEN: usize = 101;

/// Tables that only the allocator uses.
struct Others {
    handles: HandleTable<Counted>,
    once: OnceTable<Counted>,
    any: AnyTable,
}

impl Others {
    fn new() -> Self {
        Self { handles: HandleTable::new(), once: OnceTable::new(), any: AnyTable::new() }
    }

    fn use_all(&self) {
        use_handles(&self.handles);
        use_once(&self.once);
        use_any::<Large>(&self.any);
    }
}

/// Runs the life of a new table for each call of the allocator in it, at which that uses the table
/// and others; and once with an allocator that does so often.
fn at_each_call<Table: Sync>(
    what: &str,
    make: impl Fn() -> Table,
    live: impl Fn(&Table, Counts),
    use_it: impl Fn(&Table) + Sync,
) {
    let others = Others::new();
    let run = |at| {
        doing(format!("{what}, {at:?}"));
        let table = make();
        let calls = while_it_calls(
            at,
            &|| {
                others.use_all();
                use_it(&table);
            },
            || live(&table, Counts::Exact),
        );
        // The drop of the table, with the other tables alone.
        calls + while_it_calls(at, &|| others.use_all(), move || drop(table))
    };
    let calls = run(At::Each(OFTEN));
    let mut turn = 1;
    while turn <= calls {
        run(At::Call(turn));
        turn += 1;
    }
    println!("{what}: {calls} calls");
    drop(others);
    assert_all_dropped();
}

fn handles<V: Value>(what: &str) {
    let new = HandleTable::<V>::builder;
    at_each_call(what, || new().shards(4).build(), live_handles, use_handles);
    let one_shard = || new().shards(1).build();
    at_each_call(&format!("{what}, one shard"), one_shard, live_handles, use_handles);
    let limited = || new().shards(2).max_handles(1_000).build();
    at_each_call(&format!("{what}, limited"), limited, live_handles, use_handles);
    let batch = || new().shards(4).batch(8).build();
    at_each_call(&format!("{what}, in batches"), batch, live_handles, use_handles);
}

#[test]
fn while_a_handle_table_allocates_the_allocator_may_use_it() {
    let _serial = serial();
    handles::<usize>("nothing to drop");
    handles::<Counted>("dropped");
    let boxes = || HandleTable::<Large>::builder().shards(4).build();
    at_each_call("in boxes", boxes, live_handles, use_handles);
}

#[test]
fn while_a_once_table_allocates_the_allocator_may_use_it() {
    let _serial = serial();
    for shards in [1, 4] {
        let make = || OnceTable::<Counted>::builder().shards(shards).build();
        at_each_call(&format!("once, {shards} shards"), make, live_once, use_once);
        let make = || OnceTable::<Large>::builder().shards(shards).build();
        at_each_call(&format!("once in boxes, {shards} shards"), make, live_once, use_once);
    }
}

#[test]
fn while_an_any_table_allocates_the_allocator_may_use_it() {
    let _serial = serial();
    let make = || AnyTable::builder().shards(4).build();
    at_each_call("any", make, live_any::<Counted>, use_any::<Counted>);
    at_each_call("any, in boxes", make, live_any::<Large>, use_any::<usize>);
}

/// An allocator whose calls come from several threads, and go to the tables of all of them.
#[test]
fn allocators_may_use_the_tables_of_other_threads() {
    let _serial = serial();
    let others = Others::new();
    for round in 0..20 {
        doing(format!("threads, round {round}"));
        let trivial = HandleTable::<usize>::builder().shards(4).build();
        let (dropped, once, any) = (HandleTable::new(), OnceTable::new(), AnyTable::new());
        let use_all = || {
            others.use_all();
            use_handles::<usize>(&trivial);
            use_handles::<Counted>(&dropped);
            use_once::<Counted>(&once);
            use_any::<Large>(&any);
        };
        while_it_calls(At::Each(OFTEN), &use_all, || {
            thread::scope(|scope| {
                let threads = [
                    scope.spawn(|| live_handles(&trivial, Counts::AtTheEnd)),
                    scope.spawn(|| live_handles(&dropped, Counts::AtTheEnd)),
                    scope.spawn(|| live_once(&once, Counts::AtTheEnd)),
                    scope.spawn(|| live_any::<Large>(&any, Counts::AtTheEnd)),
                ];
                threads.into_iter().for_each(|thread| thread.join().unwrap());
            });
        });
        dropped.quiesce().unwrap();
        any.quiesce().unwrap();
        let lens = [trivial.len(), dropped.len(), once.len(), any.len()];
        assert_eq!(lens, [0; 4]);
        assert_eq!(dropped.stats().pending + any.stats().pending, 0);
    }
    drop(others);
    assert_all_dropped();
}

const CHILD: &str = "HANDLE_TABLE_TEST_FIRST_USE";
const NOT_REACHED: i32 = 3;

/// In processes of their own: at the n-th call of the allocator within the first use of any table,
/// the allocator makes that first use.
#[test]
fn the_first_use_of_tables_may_come_from_within_the_allocator() {
    if let Ok(turn) = env::var(CHILD) {
        let turn: usize = turn.parse().unwrap();
        process::exit(if first_use(turn / 3, turn % 3) { 0 } else { NOT_REACHED });
    }
    if cfg!(target_family = "wasm") {
        return;
    }
    let _serial = serial();
    let name = "the_first_use_of_tables_may_come_from_within_the_allocator";
    let mut turn = 3;
    let mut reached = [true; 3];
    while reached != [false; 3] {
        doing(format!("first use, turn {turn}"));
        let mut child = process::Command::new(env::current_exe().unwrap());
        let child = child.args(["--exact", name]).env(CHILD, turn.to_string());
        let output = child.output().unwrap();
        match output.status.code() {
            Some(0) => {}
            Some(NOT_REACHED) => reached[turn % 3] = false,
            _ => panic!("{}", String::from_utf8_lossy(&output.stderr)),
        }
        turn += 1;
    }
    println!("{} calls", turn / 3);
    assert!(turn > 30, "a first use allocates");
}

/// Whether so many calls came.
fn first_use(turn: usize, kind: usize) -> bool {
    doing(format!("first use, call {turn}, {kind}"));
    let others = Others::new();
    let live = || match kind {
        0 => {
            let handle = others.handles.insert(Counted::new(7));
            assert_eq!(others.handles.get(handle).unwrap().number(), 7);
            others.handles.remove(handle).unwrap();
        }
        1 => {
            let handle = others.once.insert(Counted::new(7));
            assert_eq!(others.once.take(handle).unwrap().number(), 7);
        }
        _ => {
            let handle = others.any.insert(Counted::new(7));
            assert_eq!(others.any.get::<Counted>(handle).unwrap().number(), 7);
            others.any.remove(handle).unwrap();
        }
    };
    let calls = while_it_calls(At::Call(turn), &|| others.use_all(), live);
    drop(others);
    assert_all_dropped();
    calls >= turn
}
