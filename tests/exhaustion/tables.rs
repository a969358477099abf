//! One interface to tables of each kind, all of numbers.

use handle_table::{AnyTable, FullError, Handle, HandleTable, OnceTable, Stats};

/// A full table's words, and the number that it has given back.
pub(crate) type Full = (String, usize);

/// A table of numbers, whose handles are integers here.
pub(crate) trait Numbers: Send + Sync {
    fn try_insert(&self, number: usize) -> Result<usize, Full>;
    /// Shows the handle of a value that never comes.
    fn give_up(&self);
    /// Removes what the handle names, and returns it.
    fn remove(&self, handle: usize) -> Option<usize>;
    fn contains(&self, handle: usize) -> bool;
    /// All handles with their numbers. They are valid afterwards, if the table has look-ups.
    fn visit(&self) -> Vec<(usize, usize)>;
    fn stats(&self) -> Stats;
}

fn handle<K: ?Sized>(raw: usize) -> Handle<K> {
    Handle::from_raw(raw).expect("it came from a table")
}

/// The words of the error, and the number that it gives back.
fn full<T>(full: FullError<T>, number: impl FnOnce(T) -> usize) -> Full {
    (full.to_string(), number(full.into_inner()))
}

/// A value that stands for a number.
trait Value: Send + Sync + 'static {
    fn new(number: usize) -> Self;
    fn number(&self) -> usize;
}

/// Has nothing to drop: waits in batches.
impl Value for usize {
    fn new(number: usize) -> Self {
        number
    }

    fn number(&self) -> usize {
        *self
    }
}

/// Is dropped, and its slot is free with its delete.
impl Value for Box<usize> {
    fn new(number: usize) -> Self {
        Box::new(number)
    }

    fn number(&self) -> usize {
        **self
    }
}

impl<V: Value> Numbers for HandleTable<V> {
    fn try_insert(&self, number: usize) -> Result<usize, Full> {
        let inserted = HandleTable::try_insert(self, V::new(number));
        inserted.map(Handle::to_raw).map_err(|error| full(error, |value| value.number()))
    }

    fn give_up(&self) {
        drop(self.reserve());
    }

    fn remove(&self, raw: usize) -> Option<usize> {
        let number = self.get(handle(raw)).ok()?.number();
        HandleTable::remove(self, handle(raw)).ok().map(|()| number)
    }

    fn contains(&self, raw: usize) -> bool {
        HandleTable::contains(self, handle(raw))
    }

    fn visit(&self) -> Vec<(usize, usize)> {
        self.pin().iter().map(|(handle, value)| (handle.to_raw(), value.number())).collect()
    }

    fn stats(&self) -> Stats {
        HandleTable::stats(self)
    }
}

impl Numbers for AnyTable {
    fn try_insert(&self, number: usize) -> Result<usize, Full> {
        let inserted = AnyTable::try_insert(self, number);
        inserted.map(Handle::to_raw).map_err(|error| full(error, |number| number))
    }

    fn give_up(&self) {
        drop(self.reserve());
    }

    fn remove(&self, raw: usize) -> Option<usize> {
        let number = self.cloned::<usize>(handle(raw)).ok()?;
        AnyTable::remove(self, handle(raw)).ok().map(|()| number)
    }

    fn contains(&self, raw: usize) -> bool {
        AnyTable::contains(self, handle(raw))
    }

    fn visit(&self) -> Vec<(usize, usize)> {
        let pinned = self.pin();
        let with_number = |handle: Handle<_>| Some((handle.to_raw(), *pinned.get(handle).ok()?));
        pinned.iter().filter_map(|(handle, ..)| with_number(handle)).collect()
    }

    fn stats(&self) -> Stats {
        AnyTable::stats(self)
    }
}

impl Numbers for OnceTable<usize> {
    fn try_insert(&self, number: usize) -> Result<usize, Full> {
        let inserted = OnceTable::try_insert(self, number);
        inserted.map(Handle::to_raw).map_err(|error| full(error, |number| number))
    }

    fn give_up(&self) {
        let panics = || self.insert_with(|_| std::panic::resume_unwind(Box::new(())));
        assert!(std::panic::catch_unwind(panics).is_err());
    }

    fn remove(&self, raw: usize) -> Option<usize> {
        self.take(handle(raw)).ok()
    }

    fn contains(&self, raw: usize) -> bool {
        OnceTable::contains(self, handle(raw))
    }

    fn visit(&self) -> Vec<(usize, usize)> {
        self.drain().map(|(handle, number)| (handle.to_raw(), number)).collect()
    }

    fn stats(&self) -> Stats {
        OnceTable::stats(self)
    }
}

/// How many values fit into the tables that have a limit.
pub(crate) const MOST: usize = 300;

/// A new table of each kind, with so many shards. Its name is printed when its turn comes.
pub(crate) fn kinds(shards: usize) -> impl Iterator<Item = Box<dyn Numbers>> {
    let trivial = || HandleTable::<usize>::builder().shards(shards);
    let dropped = || HandleTable::<Box<usize>>::builder().shards(shards);
    let tables: [(&str, Box<dyn Numbers>); 7] = [
        ("nothing to drop", Box::new(trivial().build())),
        ("nothing to drop, limited", Box::new(trivial().max_handles(MOST).build())),
        ("dropped", Box::new(dropped().build())),
        ("dropped, limited", Box::new(dropped().max_handles(MOST).build())),
        ("dropped in batches", Box::new(dropped().batch(50).build())),
        ("once", Box::new(OnceTable::<usize>::builder().shards(shards).build())),
        ("any", Box::new(AnyTable::builder().shards(shards).build())),
    ];
    tables.into_iter().map(move |(name, table)| {
        println!("{name}, {shards} shards");
        table
    })
}

/// A new table of each type, with so many shards, for [`MOST`] values.
pub(crate) fn limited(shards: usize) -> impl Iterator<Item = Box<dyn Numbers>> {
    let trivial = HandleTable::<usize>::builder().shards(shards).max_handles(MOST).build();
    let dropped = HandleTable::<Box<usize>>::builder().shards(shards).max_handles(MOST).build();
    let once = OnceTable::<usize>::builder().shards(shards).max_handles(MOST).build();
    let any = AnyTable::builder().shards(shards).max_handles(MOST).build();
    let tables: [Box<dyn Numbers>; 4] =
        [Box::new(trivial), Box::new(dropped), Box::new(once), Box::new(any)];
    tables.into_iter()
}
