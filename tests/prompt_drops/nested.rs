//! Deletes from inside of a `Drop`: gone before the outermost delete returns.

use std::{sync::mpsc::channel, sync::Mutex, thread};

use handle_table::{Handle, HandleTable};

use crate::{
    assert_empty,
    common::{table_kinds, Census, Witness},
    leak,
    serial::serial,
    OnDrop, Reader,
};

/// A value that deletes others in its drop.
struct Parent {
    table: &'static HandleTable<Parent>,
    children: Vec<Handle<Parent>>,
    _witness: Witness,
}

impl Drop for Parent {
    fn drop(&mut self) {
        // A `clear` may have deleted them before.
        for (nth, child) in self.children.drain(..).enumerate() {
            match nth % 4 {
                0 => drop(self.table.remove(child)),
                1 => assert_ne!(self.table.remove_now(child), Ok(true), "it is not its turn"),
                2 => drop(self.table.remove_ref(child)),
                _ => assert!(self.table.retain(|each, _| each != child) <= 1),
            }
        }
        assert_eq!(self.table.flush(), 0, "nothing is dropped inside of a drop");
    }
}

static CENSUS: Census = Census::new();

/// Inserts a tree.
fn tree(table: &'static HandleTable<Parent>, depth: usize, width: usize) -> Handle<Parent> {
    let children = match depth {
        0 => Vec::new(),
        _ => (0..width).map(|_| tree(table, depth - 1, width)).collect(),
    };
    table.insert(Parent { table, children, _witness: CENSUS.witness(0) })
}

#[test]
fn a_tree_is_gone_before_the_delete_of_its_root_returns() {
    let _serial = serial();
    type Way = fn(&'static HandleTable<Parent>, Handle<Parent>);
    let ways: [Way; 6] = [
        |table, root| table.remove(root).unwrap(),
        |table, root| assert_eq!(table.remove_now(root), Ok(true)),
        |table, root| drop(table.remove_ref(root).unwrap()),
        |table, root| assert_eq!(table.retain(|each, _| each != root), 1),
        |table, _| assert!(table.clear() > 0),
        |table, root| {
            let reader = Reader::new(table, Some(root));
            table.remove(root).unwrap();
            reader.let_go();
            reader.end();
        },
    ];
    for table in table_kinds().map(leak) {
        for (nth, way) in ways.iter().enumerate() {
            for (depth, width) in [(1, 3), (1, 200), (4, 4), (100, 1)] {
                way(table, tree(table, depth, width));
                assert_eq!(CENSUS.left(), 0, "way {nth}, {depth} deep: {}", table.stats());
                assert_empty(table);
            }
        }
    }
    CENSUS.assert_all_dropped_once();
}

#[test]
fn what_the_drop_of_a_table_deletes_in_another_is_gone_before_it_returns() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for other in table_kinds::<Witness>().map(leak) {
        let handles: Vec<_> = (0..100).map(|n| other.insert(CENSUS.witness(n))).collect();
        let table = HandleTable::new();
        for handle in handles {
            let _ = table.insert(OnDrop::new(move || other.remove(handle).unwrap()));
        }
        drop(table);
        assert_eq!(CENSUS.left(), 0);
        assert_empty(other);
    }
}

/// A reader inside of a `Drop` is in the way of others like any other. As it lets go, it can't drop
/// what has waited for it, being inside of a drop; its outermost drop must.
#[test]
fn what_waited_for_a_reader_inside_of_a_drop_goes_with_the_outermost_drop() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    let outer = leak(HandleTable::<OnDrop>::new());
    for table in table_kinds::<Witness>().map(leak) {
        let (read, is_read) = channel();
        let (go_on, told) = channel::<()>();
        let told = Mutex::new(told);
        let handle = outer.insert(OnDrop::new(move || {
            let pinned = table.pin();
            read.send(()).unwrap();
            told.lock().unwrap().recv().unwrap();
            drop(pinned);
        }));
        thread::scope(|scope| {
            let deleter = scope.spawn(move || {
                is_read.recv().unwrap();
                for n in 0..1_000 {
                    table.remove(table.insert(CENSUS.witness(n))).unwrap();
                }
                assert_eq!(CENSUS.left(), 1_000, "a reader is in the way");
                go_on.send(()).unwrap();
            });
            outer.remove(handle).unwrap();
            deleter.join().unwrap();
        });
        assert_eq!(CENSUS.left(), 0, "they wait for a call that may never come");
        assert_empty(table);
    }
    CENSUS.assert_all_dropped_once();
}
