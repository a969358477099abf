//! What `.ci/wasm` runs on wasm32: a few rounds through every kind of table. wasm has one thread,
//! no clock and no random numbers, and a panic ends the run.

use std::{
    any::Any,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use handle_table::{
    AnyTable, Exclusive, Handle, HandleError, HandleTable, QuiesceError, WaitError,
};

/// Values that were made and not dropped.
static LEFT: AtomicUsize = AtomicUsize::new(0);

struct Value(usize);

impl Value {
    fn new(number: usize) -> Self {
        LEFT.fetch_add(1, Relaxed);
        Self(number)
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        LEFT.fetch_sub(1, Relaxed);
    }
}

/// Returns the number of live handles that were shown to be right.
#[no_mangle]
pub extern "C" fn run(rounds: usize) -> usize {
    static PLAIN: HandleTable<Value> = HandleTable::new();
    static ONE_SHARD: HandleTable<Value> = HandleTable::builder().shards(1).build();
    static BATCHES: HandleTable<Value> = HandleTable::builder().batch(64).build();
    let mut right = 0;
    for table in [&PLAIN, &ONE_SHARD, &BATCHES] {
        right += with(table, rounds, Value::new, |value| value.0);
    }
    let large = HandleTable::new();
    right += with(&large, rounds, |n| (Value::new(n), [n; 64]), |value| value.1[63]);
    right += with(&HandleTable::new(), rounds, |n| n, |value| *value);
    right += exclusive(rounds);
    right += process_wide(rounds);
    right += any(rounds);
    assert_eq!(LEFT.load(Relaxed), 0, "all values were dropped");
    right
}

fn with<T: Send + Sync + 'static>(
    table: &HandleTable<T>,
    rounds: usize,
    make: impl Fn(usize) -> T,
    number: impl Fn(&T) -> usize,
) -> usize {
    let handles: Vec<_> = (0..rounds).map(|n| table.insert(make(n))).collect();
    let is_right = |(n, handle): (usize, &Handle<T>)| number(&table.get(*handle).unwrap()) == n;
    let right = handles.iter().enumerate().filter(|pair| is_right(*pair)).count();
    let reserved = table.reserve();
    let filled = reserved.fill(make(7));
    assert_eq!(table.call(filled.to_ptr(), &number), Ok(7));
    let held = table.get(filled).unwrap();
    table.remove(filled).unwrap();
    assert_eq!(number(&held), 7, "a reader keeps it");
    drop(held);
    for handle in handles {
        table.remove(handle).unwrap();
        assert!(matches!(table.get(handle), Err(HandleError::Deleted { .. })));
    }
    // Slots are used again, and no handle names the value of another.
    for n in 0..rounds {
        let handle = table.insert(make(n));
        assert_eq!(number(&table.get(handle).unwrap()), n);
        table.remove_now(handle).unwrap();
    }
    waits(table, &make);
    table.quiesce().unwrap();
    let stats = table.stats();
    assert_eq!((stats.live, stats.pending), (0, 0), "{stats}");
    assert!(stats.issued > rounds as u64 && stats.remaining > 1 << 29, "{stats}");
    assert_eq!(stats.lasts_for(), None, "there is no clock");
    right
}

/// Waits that give up. The time is over at once, as no other thread ends what is in the way.
fn waits<T: Send + Sync + 'static>(table: &HandleTable<T>, make: impl Fn(usize) -> T) {
    let hour = Duration::from_secs(3600);
    assert_eq!(table.quiesce_timeout(hour), Ok(()));
    assert_eq!(table.remove_wait_timeout(table.insert(make(7)), hour), Ok(()));
    let handle = table.insert(make(7));
    // Of a look-up in a signal handler a wait does not know whose it is.
    let waited = table.get_in_signal(handle, |_| {
        let waited = table.remove_wait_timeout(handle, hour);
        (waited, table.quiesce_timeout(hour))
    });
    assert!(matches!(waited, Ok((Err(WaitError::TimedOut), Err(QuiesceError::TimedOut { .. })))));
    assert_eq!(table.quiesce_timeout(hour), Ok(()));
}

fn exclusive(rounds: usize) -> usize {
    let table = HandleTable::new();
    let handle = table.insert(Exclusive::new(0));
    for _ in 0..rounds {
        *table.get_mut(handle).unwrap() += 1;
    }
    table.take(handle).unwrap().into_inner()
}

fn process_wide(rounds: usize) -> usize {
    let handles: Vec<_> = (0..rounds).map(|n| Handle::new(Value::new(n))).collect();
    let right =
        handles.iter().enumerate().filter(|(n, handle)| handle.value::<Value>().0 == *n).count();
    handles.into_iter().for_each(Handle::delete);
    Handle::quiesce().unwrap();
    right
}

fn any(rounds: usize) -> usize {
    let table = AnyTable::new();
    let handles: Vec<Handle<dyn Any>> = (0..rounds)
        .map(|n| if n % 2 == 0 { table.insert(Value::new(n)) } else { table.insert(n) })
        .collect();
    let is_right = |(n, handle): (usize, &Handle<dyn Any>)| match n % 2 {
        0 => table.get::<Value>(*handle).is_ok_and(|value| value.0 == n),
        _ => table.get::<usize>(*handle).is_ok_and(|value| *value == n),
    };
    let right = handles.iter().enumerate().filter(|pair| is_right(*pair)).count();
    handles.into_iter().for_each(|handle| table.remove(handle).unwrap());
    table.quiesce().unwrap();
    right
}
