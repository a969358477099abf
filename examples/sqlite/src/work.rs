//! The rows, the queries, and the expected answers, which are computed without SQLite.

use std::{
    collections::BTreeMap,
    sync::atomic::Ordering,
    thread,
    time::{Duration, Instant},
};

use handle_table::Handle;
use indicatif::ProgressBar;

use crate::{
    sqlite::Connection,
    state::{create_quantile, create_scalar, on_update, Changes, CALLS},
    Outcome,
};

/// The number of rows that one query reads.
const ROWS_PER_QUERY: i64 = 1000;
/// Rows whose id is a multiple of this are updated.
const UPDATED: i64 = 7;
/// Rows whose id is a multiple of this are deleted.
const DELETED: i64 = 11;

/// What all threads have done together.
#[derive(Default)]
pub(crate) struct Work {
    /// The number of SQLite's answers that were compared.
    pub(crate) answers: u64,
    /// The number of callbacks, each with a handle from C. Destructors are not counted.
    pub(crate) calls: u64,
    pub(crate) time: Duration,
}

/// Runs `threads` threads. Each has its own database of `rows` rows.
///
/// # Errors
///
/// The first wrong answer or error of SQLite.
pub(crate) fn run(threads: u32, rows: u32, progress: &ProgressBar) -> Outcome<Work> {
    let rows = i64::from(rows);
    // The update hooks of all connections share this handle.
    let changes = Handle::new(Changes::default());
    let start = Instant::now();
    let mut work = Work::default();
    thread::scope(|scope| {
        let spawn = |thread| scope.spawn(move || run_thread(thread, rows, changes, progress));
        for thread in (0..threads).map(spawn).collect::<Vec<_>>() {
            let (answers, calls) = thread.join().map_err(|_| "a thread panicked")??;
            work.answers += answers;
            work.calls += calls;
        }
        Outcome::Ok(())
    })?;
    work.time = start.elapsed();

    let counted = changes.try_value::<Changes>()?;
    let mut rowids = 0;
    for (what, count, every) in [
        ("inserts", &counted.inserted, 1),
        ("updates", &counted.updated, UPDATED),
        ("deletes", &counted.deleted, DELETED),
    ] {
        let ids = (1..=rows).filter(|id| id % every == 0);
        let expected = u64::from(threads) * ids.clone().count() as u64;
        expect_equal(what, &count.load(Ordering::Relaxed), &expected)?;
        rowids += i64::from(threads) * ids.sum::<i64>();
    }
    expect_equal("row ids", &counted.rowids.load(Ordering::Relaxed), &rowids)?;
    work.answers += 4;
    drop(counted);
    changes.try_delete()?;
    Ok(work)
}

/// Does the work of one thread. Returns the number of right answers and the number of callbacks.
fn run_thread(
    thread: u32,
    rows: i64,
    changes: Handle,
    progress: &ProgressBar,
) -> Outcome<(u64, u64)> {
    let connection = Connection::open()?;
    // Each thread has its own discount, so that mixed-up handles give wrong sums.
    let percent = i64::from(thread) + 1;
    create_scalar(&connection, c"discounted", move |cents| cents - cents * percent / 100)?;
    create_quantile(&connection, c"median", 500)?;
    create_quantile(&connection, c"p90", 900)?;
    // SAFETY: `on_update` takes any user data.
    unsafe { connection.set_update_hook(on_update, changes.to_ptr()) };

    connection.run::<0>(c"CREATE TABLE orders (id INTEGER PRIMARY KEY, customer, cents)")?;
    connection.run::<0>(c"BEGIN")?;
    let mut insert = connection.prepare(c"INSERT INTO orders VALUES (?, ?, ?)")?;
    for id in 1..=rows {
        let (customer, cents) = order(thread, id);
        insert.run(&[id, customer, cents], |[]| ())?;
        if id % ROWS_PER_QUERY == 0 {
            progress.inc(ROWS_PER_QUERY as u64);
        }
    }
    connection.run::<0>(c"COMMIT")?;

    let (mut answers, mut groups) = (0, 0);
    let mut query = connection.prepare(
        c"SELECT customer, sum(discounted(cents)), median(cents), p90(cents)
          FROM orders WHERE id BETWEEN ? AND ? GROUP BY customer ORDER BY customer",
    )?;
    for first in (1..=rows).step_by(ROWS_PER_QUERY as usize) {
        let last = rows.min(first + ROWS_PER_QUERY - 1);
        let mut got = Vec::new();
        query.run(&[first, last], |row: [i64; 4]| got.push(row))?;
        let expected = expected_groups((first..=last).map(|id| order(thread, id)), percent);
        expect_equal("sums and quantiles", &got, &expected)?;
        groups += expected.len() as i64;
        answers += 3 * expected.len() as u64;
        progress.inc(ROWS_PER_QUERY as u64);
    }

    for (sql, multiples_of) in [
        (c"UPDATE orders SET cents = cents + 1 WHERE id % ? = 0", UPDATED),
        (c"DELETE FROM orders WHERE id % ? = 0", DELETED),
    ] {
        connection.prepare(sql)?.run(&[multiples_of], |[]| ())?;
    }
    let got = connection.run::<2>(c"SELECT count(*), sum(discounted(cents)) FROM orders")?;
    let left = (1..=rows).filter(|id| id % DELETED != 0);
    let cents = left.map(|id| order(thread, id).1 + i64::from(id % UPDATED == 0));
    let expected =
        cents.fold([0, 0], |[count, sum], cents| [count + 1, sum + discounted(cents, percent)]);
    expect_equal("rows that are left", &got, &expected)?;

    drop((insert, query));
    drop(connection); // SQLite deletes the handles of its three functions
    let changed = rows + rows / UPDATED + rows / DELETED;
    let functions = (rows + 2 * rows + 2 * groups) + (rows - rows / DELETED);
    expect_equal("callbacks", &CALLS.get(), &((changed + functions) as u64))?;
    Ok((answers + 3, CALLS.get()))
}

/// The customer and the amount of an order: a hash of thread and id.
fn order(thread: u32, id: i64) -> (i64, i64) {
    // The last steps of SplitMix64.
    let mut bits = (u64::from(thread) << 32 | id as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^= bits >> 31;
    ((bits % 10) as i64, (bits / 10 % 100_000) as i64)
}

/// The amount less the discount, by another formula than that of the SQL function.
fn discounted(cents: i64, percent: i64) -> i64 {
    (cents * (100 - percent) + 99).div_euclid(100)
}

/// The rows that the query must return: customer, sum, median, 90th percentile.
fn expected_groups(orders: impl Iterator<Item = (i64, i64)>, percent: i64) -> Vec<[i64; 4]> {
    let mut groups = BTreeMap::<i64, Vec<i64>>::new();
    for (customer, cents) in orders {
        groups.entry(customer).or_default().push(cents);
    }
    let answer = |(customer, mut group): (i64, Vec<i64>)| {
        group.sort();
        let sum = group.iter().map(|&cents| discounted(cents, percent)).sum();
        let last = group.len() - 1;
        [customer, sum, group[last / 2], group[last * 9 / 10]]
    };
    groups.into_iter().map(answer).collect()
}

/// Compares an answer with the expected one.
fn expect_equal<T: PartialEq + std::fmt::Debug>(what: &str, got: &T, expected: &T) -> Outcome<()> {
    if got == expected {
        return Ok(());
    }
    Err(format!("{what}: got {got:?}, expected {expected:?}").into())
}
