//! Destructors for C: `destroy` and `destroy_callback!`.

use std::{
    ffi::c_void,
    ptr,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
};

use handle_table::{destroy_callback, HandleTable};

use crate::{
    call::{counts, panic_with_a_payload_that_panics, word},
    common::{run_concurrently, table_kinds, Census, Witness},
    quiet,
};

#[test]
fn destroy_deletes_a_handle_once_and_lets_nothing_out() {
    static CENSUS: Census = Census::new();
    quiet();
    for table in table_kinds() {
        let user_data = table.insert(CENSUS.witness(0)).to_ptr();
        table.destroy(ptr::null_mut());
        assert_eq!((table.len(), counts(&table)), (1, [0, 0]), "as free(NULL)");
        table.destroy(user_data);
        table.quiesce().unwrap();
        assert_eq!((table.len(), CENSUS.left(), counts(&table)), (0, 0, [0, 0]));
        for (nth, bad) in [user_data, word(42), word(usize::MAX)].into_iter().enumerate() {
            table.destroy(bad);
            assert_eq!(counts(&table), [nth + 1, 0]);
        }
    }
    CENSUS.assert_all_dropped_once();

    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic_with_a_payload_that_panics();
        }
    }
    for table in table_kinds() {
        table.destroy(table.insert(Bomb).to_ptr());
        table.quiesce().unwrap();
        let stats = table.stats();
        assert_eq!([stats.drop_panics, stats.bad_handles, stats.call_panics], [1, 0, 0]);
        assert!(stats.to_string().contains("panics in drops: 1"), "{stats}");
    }
}

#[allow(unsafe_code)]
#[test]
fn a_destroy_callback_is_a_function_for_c() {
    static CENSUS: Census = Census::new();
    static TABLE: HandleTable<Witness> = HandleTable::new();
    quiet();
    type Destroy = unsafe extern "C" fn(*mut c_void);
    /// C's: calls the destructor with these words.
    fn library(destroy: Option<Destroy>, words: &[*mut c_void]) {
        // SAFETY: `destroy` takes any word.
        words.iter().for_each(|word| unsafe { destroy.unwrap()(*word) });
    }
    let [one, two] = [1, 2].map(|number| TABLE.insert(CENSUS.witness(number)).to_ptr());
    library(Some(destroy_callback!(TABLE)), &[one, ptr::null_mut(), two, one, word(42)]);
    TABLE.quiesce().unwrap();
    assert_eq!((TABLE.len(), counts(&TABLE)), (0, [2, 0]));
    CENSUS.assert_all_dropped_once();
}

#[test]
fn one_of_several_destroys_at_a_time_deletes_and_all_calls_are_answered() {
    static CENSUS: Census = Census::new();
    quiet();
    for table in table_kinds() {
        let late = AtomicUsize::new(0);
        let rounds = 300;
        let words: Vec<_> = (0..rounds).map(|n| table.insert(CENSUS.witness(n)).to_raw()).collect();
        run_concurrently(4, |nth| {
            for (n, raw) in words.iter().enumerate() {
                if nth < 2 {
                    table.destroy(word(*raw));
                    continue;
                }
                let look = |value: &Witness| value.look();
                match table.call(word(*raw), look) {
                    Ok(number) => assert_eq!(number, n),
                    Err(error) => {
                        assert_eq!(error.code(), -3, "{error}");
                        late.fetch_add(1, SeqCst);
                    }
                }
            }
        });
        // Of two destroys of each word, one was too late.
        assert_eq!(counts(&table), [rounds + late.load(SeqCst), 0]);
        assert!(table.is_empty());
        table.quiesce().unwrap();
        CENSUS.assert_all_dropped_once();
    }
}
