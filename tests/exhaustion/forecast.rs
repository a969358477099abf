//! `Stats::issued`, `Stats::remaining` and `Stats::lasts_for`.

use std::time::{Duration, Instant};

use handle_table::{AnyTable, HandleTable, OnceTable};

use crate::{
    common::{on_new_thread, run_concurrently},
    serial::serial,
    tables::{kinds, Numbers, MOST},
};

fn insert(table: &dyn Numbers, numbers: usize) -> Vec<usize> {
    (0..numbers).map(|number| table.try_insert(number).expect("there is room")).collect()
}

#[test]
fn what_was_issued_and_what_remains_add_up() {
    let _serial = serial();
    for table in [1, 2, 8, 32].into_iter().flat_map(kinds) {
        let unused = table.stats();
        assert_eq!((unused.issued, unused.lasts_for()), (0, None));
        let mut issued = 0;
        for round in 0..30 {
            let handles = insert(&*table, MOST - round);
            issued += handles.len() as u64;
            let stats = table.stats();
            assert_eq!((stats.issued, stats.issued + stats.remaining), (issued, unused.remaining));
            for handle in handles {
                assert!(table.remove(handle).is_some());
            }
            let stats = table.stats();
            assert_eq!((stats.issued, stats.issued + stats.remaining), (issued, unused.remaining));
        }
    }
}

/// Its numbers for 32-bit targets, worked out from what tables of this one have.
#[cfg(all(target_pointer_width = "32", not(handle_table_small), feature = "sharded"))]
#[test]
fn the_page_about_limits_has_the_right_numbers() {
    let page = include_str!("../../docs/SCALING.md");
    let assert_has = |words: String| assert!(page.contains(&words), "{words} is missing");
    let thousands = |number: u64| match (number / 1_000_000, number / 1_000 % 1_000) {
        (0, _) => format!("{},{:03}", number / 1_000, number % 1_000),
        (millions, thousands) => format!("{millions},{thousands:03},{:03}", number % 1_000),
    };
    for shards in [1, 32, 1_024] {
        let handles = HandleTable::<u8>::builder().shards(shards).build().stats().remaining;
        assert_has(thousands(handles / 1_023));
        let millions = (handles + 500_000) / 1_000_000;
        let words = if millions < 1_000 { millions.to_string() } else { thousands(millions) };
        assert_has(format!("{words} million"));
    }
    let handles = HandleTable::<u8>::new().stats().remaining as f64;
    for threads in [1.0, 4.0] {
        let seconds = handles / threads;
        assert_has(format!("{:.1} years", seconds / 31_557_600.0));
        assert_has(format!("{:.1} days", seconds / 86_400_000.0));
        assert_has(format!("{:.1} minutes", seconds / 60_000_000.0));
    }
}

#[cfg(not(handle_table_small))]
#[test]
fn a_table_begins_with_all_the_handles_that_its_bits_can_name() {
    let _serial = serial();
    let (slots, generations) = match usize::BITS {
        64 => ([1_476_394_975, 2_147_482_592, 2_818_538_496_u64], (1 << 30) - 1),
        _ => ([753_631, 916_448, 1_047_552], 1_023),
    };
    for (shards, slots) in [1, 32, 1_024].into_iter().zip(slots) {
        // Without the feature `sharded` a table has one.
        let slots = if cfg!(feature = "sharded") { slots } else { 0 };
        for table in kinds(shards) {
            let remaining = table.stats().remaining;
            assert!(remaining == slots * generations || slots == 0, "{remaining}");
        }
    }
}

#[test]
fn a_handle_that_was_shown_and_never_filled_is_not_left() {
    let _serial = serial();
    for table in [1, 8].into_iter().flat_map(kinds) {
        insert(&*table, 1);
        let before = table.stats();
        for given_up in 1..=20 {
            table.give_up();
            let stats = table.stats();
            assert_eq!(stats.issued, before.issued);
            assert_eq!(stats.remaining, before.remaining - given_up);
        }
    }
}

#[test]
fn threads_together_issue_no_more_than_what_is_gone() {
    let _serial = serial();
    for table in [1, 2, 8].into_iter().flat_map(kinds) {
        let unused = table.stats().remaining;
        let issued = run_concurrently(4, |_| {
            let mut issued = 0;
            for _ in 0..50 {
                let handles = insert(&*table, MOST / 4);
                issued += handles.len() as u64;
                handles.into_iter().for_each(|handle| assert!(table.remove(handle).is_some()));
            }
            issued
        });
        let stats = table.stats();
        assert_eq!(stats.issued, issued.iter().sum::<u64>());
        let gone = unused - stats.remaining;
        assert!((stats.issued..=2 * stats.issued).contains(&gone), "{gone} are gone: {stats}");
    }
}

#[test]
fn the_forecast_is_what_remains_at_the_rate_since_the_first_insert() {
    let _serial = serial();
    for table in [1, 8].into_iter().flat_map(kinds) {
        std::thread::sleep(Duration::from_millis(20)); // Does not count.
        let begin = Instant::now();
        insert(&*table, 1);
        let made = Instant::now();
        on_new_thread(|| insert(&*table, MOST - 1));
        std::thread::sleep(Duration::from_millis(10));

        let least_age = made.elapsed();
        let stats = table.stats();
        let most_age = begin.elapsed();
        let lasts_for = stats.lasts_for().expect("some were issued").as_nanos();
        let at_age = |age: Duration| u128::from(stats.remaining) * age.as_nanos() / MOST as u128;
        assert!((at_age(least_age)..=at_age(most_age)).contains(&lasts_for), "{stats}");
        assert!(stats.to_string().contains("at the rate so far"), "{stats}");
    }
}

#[test]
fn counts_of_the_space_need_no_body() {
    static TABLE: HandleTable<u8> = HandleTable::new();
    let _serial = serial();
    let stats = TABLE.stats();
    assert_eq!((stats.shards, stats.bytes, stats.issued), (0, 0, 0));
    let others = [OnceTable::<u8>::new().stats(), AnyTable::new().stats()];
    assert_eq!(others, [stats; 2]);
    let made = TABLE.insert(7);
    assert_eq!(TABLE.stats().remaining, stats.remaining - 1);
    TABLE.remove(made).unwrap();
}
