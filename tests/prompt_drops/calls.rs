//! Callbacks of C: what they delete is dropped with their call, or at once if they pin nothing.

use std::{panic::resume_unwind, ptr, sync::Arc, thread};

use handle_table::HandleTable;

use crate::{
    assert_empty,
    common::{on_new_thread, table_kinds, Census, Witness},
    leak,
    serial::serial,
    Log, Logged, Reader,
};

#[test]
fn a_call_that_deletes_its_own_value_drops_it_as_it_returns() {
    let _serial = serial();
    let here = thread::current().id();
    for table in table_kinds() {
        let log = Log::default();
        let delete = |handle| {
            table.remove(handle).unwrap();
            assert_eq!((log.len() % 3, table.stats().pending), (0, 1), "it is in use");
        };
        let handle = table.insert(log.value());
        assert_eq!(table.call(handle.to_ptr(), |_| delete(handle)), Ok(()));
        assert_eq!((log.len(), table.stats().pending), (1, 0));
        // The same by a callback's destructor, which C calls meanwhile.
        let user_data = table.insert(log.value()).to_ptr();
        assert_eq!(table.call(user_data, |_| table.destroy(user_data)), Ok(()));
        assert_eq!((log.len(), table.stats().pending), (2, 0));
        // A payload that the caller keeps keeps no value.
        let user_data = table.insert(log.value()).to_ptr();
        let caught = table.call_catching(user_data, |_| {
            table.destroy(user_data);
            resume_unwind(Box::new(7))
        });
        let payload = caught.map(Result::<(), _>::unwrap_err).unwrap();
        assert_eq!(log.dropped(), [here; 3]);
        assert_eq!(payload.downcast_ref(), Some(&7));
        assert_empty(&table);
    }
}

#[test]
fn a_callback_with_a_clone_drops_the_tables_value_with_its_delete() {
    let _serial = serial();
    for table in table_kinds::<Arc<u8>>() {
        let deletes: [fn(&HandleTable<Arc<u8>>, _); 4] = [
            |table, handle| table.remove(handle).unwrap(),
            |table, handle| assert_eq!(table.remove_now(handle), Ok(true)),
            |table, handle| table.destroy(handle.to_ptr()),
            |table, handle| on_new_thread(|| table.remove(handle).unwrap()),
        ];
        for delete in deletes {
            let handle = table.insert(Arc::new(7));
            let called = table.call_cloned(handle.to_ptr(), |value| {
                assert_eq!(Arc::strong_count(value), 2);
                delete(&table, handle);
                (**value, Arc::strong_count(value))
            });
            assert_eq!(called, Ok((7, 1)), "it is pinned");
            assert_empty(&table);
        }
    }
}

#[test]
fn destroy_drops_its_value_before_it_returns_or_leaves_it_to_the_last_reader() {
    let _serial = serial();
    for table in table_kinds::<Logged>().map(leak) {
        let log = Log::default();
        table.destroy(table.insert(log.value()).to_ptr());
        table.destroy(ptr::null_mut());
        assert_eq!(log.dropped(), [thread::current().id()]);

        let handle = table.insert(log.value());
        let reader = Reader::new(table, Some(handle));
        table.destroy(handle.to_ptr());
        assert_eq!((log.len(), table.stats().pending), (1, 1));
        reader.let_go();
        assert_eq!(log.dropped(), [thread::current().id(), reader.id()]);
        reader.end();
        assert_eq!(table.stats().bad_handles, 0);
        assert_empty(table);
    }
}

#[test]
fn a_value_that_was_filled_in_is_dropped_with_its_delete() {
    let _serial = serial();
    static CENSUS: Census = Census::new();
    for table in table_kinds::<Witness>() {
        for n in 0..100 {
            let reserved = table.reserve();
            let handle = on_new_thread(|| reserved.fill(CENSUS.witness(n)));
            table.remove(handle).unwrap();
            assert_eq!(CENSUS.left(), 0);
            drop(table.reserve());
            assert_empty(&table);
        }
    }
    CENSUS.assert_all_dropped_once();
}
