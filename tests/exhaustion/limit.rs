//! Tables with as many values as `max_handles` allows.

use crate::{
    serial::serial,
    tables::{limited, MOST},
};

#[test]
fn a_table_at_its_limit_gives_back_the_value_and_works_on() {
    let _serial = serial();
    for table in [1, 2, 8].into_iter().flat_map(limited) {
        let mut handles: Vec<_> = (0..MOST).map(|n| table.try_insert(n).unwrap()).collect();
        for round in 0..20 {
            let remaining = table.stats().remaining;
            let (words, given_back) = table.try_insert(7_000 + round).unwrap_err();
            assert_eq!(given_back, 7_000 + round);
            assert!(words.contains("in use") && words.contains("raise `max_handles`"), "{words}");
            let stats = table.stats();
            assert_eq!((stats.live, stats.remaining), (MOST, remaining), "nothing is used up");
            assert!(handles.iter().all(|handle| table.contains(*handle)));

            // Each remove makes room for one.
            let removed = handles.swap_remove(round * 11 % MOST);
            assert!(table.remove(removed).is_some() && !table.contains(removed));
            handles.push(table.try_insert(8_000 + round).unwrap());
        }
        let mut visited: Vec<_> = table.visit().into_iter().map(|(handle, _)| handle).collect();
        visited.sort_unstable();
        handles.sort_unstable();
        assert_eq!(visited, handles);
    }
}
